/// How requests are shared among the deployments of a model.
package enum RoutingStrategy: String, Hashable, Sendable {
    /// By chance, in proportion to the weights.
    case simpleShuffle = "simple-shuffle"
    /// To the deployment with the fewest operations; by chance and weight among equals.
    case leastBusy = "least-busy"
}

/// How a deployment does at the moment.
package struct DeploymentStanding: Hashable, Sendable {
    /// Operations that run or wait.
    package let outstanding: Int
    /// Whether one more operation would have to wait.
    package let isFull: Bool
    /// For how long it should not be chosen if there is another; nil if it may be.
    package let rest: Duration?

    /// Makes a standing; the default is that of a deployment without work.
    package init(outstanding: Int = 0, isFull: Bool = false, rest: Duration? = nil) {
        self.outstanding = outstanding
        self.isFull = isFull
        self.rest = rest
    }
}

/// Puts a model's deployments in the order in which they should be tried.
package struct DeploymentOrder: Sendable {
    package let strategy: RoutingStrategy
    private let standing: @Sendable (DeploymentID) -> DeploymentStanding

    /// Makes an order.
    ///
    /// - Parameters:
    ///   - strategy: How requests are shared.
    ///   - standing: How a deployment does; asked once for each of several deployments.
    package init(
        _ strategy: RoutingStrategy = .simpleShuffle,
        standing: @escaping @Sendable (DeploymentID) -> DeploymentStanding = { _ in DeploymentStanding() }
    ) {
        self.strategy = strategy
        self.standing = standing
    }

    /// How a deployment does.
    func standing(of deployment: Deployment) -> DeploymentStanding { standing(deployment.id) }

    /// First those that can begin at once, then those where a request has to wait, at last those that rest, the one
    /// whose rest ends first before the others.
    ///
    /// - Parameters:
    ///   - deployments: In any order.
    ///   - generator: Orders those that do alike.
    /// - Returns: The same deployments.
    package func sorted(
        _ deployments: [Deployment],
        using generator: inout some RandomNumberGenerator
    ) -> [Deployment] {
        guard deployments.count > 1 else { return deployments }
        let shuffled = Self.shuffled(deployments, using: &generator).map { ($0, standing(of: $0)) }
        let sorted = shuffled.enumerated().sorted { left, right in
            let (leftRank, rightRank) = (rank(left.element.1), rank(right.element.1))
            return leftRank == rightRank ? left.offset < right.offset : leftRank < rightRank
        }
        return sorted.map(\.element.0)
    }

    private func rank(_ standing: DeploymentStanding) -> (Int, Duration, Int) {
        let outstanding = strategy == .leastBusy ? standing.outstanding : 0
        if let rest = standing.rest { return (2, rest, outstanding) }
        return (standing.isFull ? 1 : 0, .zero, outstanding)
    }

    /// Each next deployment is drawn with a chance in proportion to its weight.
    private static func shuffled(
        _ deployments: [Deployment],
        using generator: inout some RandomNumberGenerator
    ) -> [Deployment] {
        var rest = deployments
        var order: [Deployment] = []
        while !rest.isEmpty {
            var ticket = Int.random(in: 0..<rest.reduce(0) { $0 + max($1.weight, 1) }, using: &generator)
            let drawn =
                rest.firstIndex { deployment in
                    ticket -= max(deployment.weight, 1)
                    return ticket < 0
                } ?? 0
            order.append(rest.remove(at: drawn))
        }
        return order
    }
}
