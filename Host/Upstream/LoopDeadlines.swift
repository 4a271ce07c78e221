import HostCore
import NIOCore

/// Who wants to know that its time is over.
package protocol DeadlineOwner: AnyObject {
    /// The deadline has passed; its place is free again.
    func deadlinePassed()
}

/// Deadlines on one event loop that are almost never reached, with one timer for all of them.
///
/// A timer for each operation costs about 5,000 instructions to set, cancel and free. Here setting and clearing a
/// deadline is a write into an array: the timer is moved only to an earlier time, and looks at all when it fires.
///
/// Used on that loop only.
package final class LoopDeadlines {
    /// What clears a deadline; valid until then, or until it has passed.
    package struct Place {
        fileprivate let index: Int
    }

    private struct Slot {
        var deadline: NIODeadline
        var owner: (any DeadlineOwner)?
    }

    private let loop: any EventLoop
    private var slots: [Slot] = []
    private var free: [Int] = []
    private var timer: Scheduled<Void>?
    private var timerFires = NIODeadline.distantFuture

    init(loop: any EventLoop) { self.loop = loop }

    /// Calls the owner, which is kept until then, after this time.
    package func set(in time: TimeAmount, for owner: any DeadlineOwner) -> Place {
        let deadline = loop.now + time
        moveTimer(to: deadline)
        let slot = Slot(deadline: deadline, owner: owner)
        guard let index = free.popLast() else {
            slots.append(slot)
            return Place(index: slots.count - 1)
        }
        slots[index] = slot
        return Place(index: index)
    }

    /// Forgets a deadline.
    package func clear(_ place: Place) {
        slots[place.index].owner = nil
        free.append(place.index)
    }

    private func moveTimer(to time: NIODeadline) {
        guard time < timerFires else { return }
        timer?.cancel()
        timerFires = time
        timer = loop.assumeIsolated().scheduleTask(deadline: time) { self.fired() }
    }

    private func fired() {
        let now = loop.now
        let lateness = Duration(now - timerFires)
        (timer, timerFires) = (nil, .distantFuture)
        if let pause = LateTimer.secondLook(after: lateness) { return moveTimer(to: now + TimeAmount(pause)) }
        var earliest = NIODeadline.distantFuture
        var index = 0
        // An owner that is called may set and clear deadlines here.
        while index < slots.count {
            let slot = slots[index]
            if let owner = slot.owner {
                if slot.deadline <= now {
                    clear(Place(index: index))
                    owner.deadlinePassed()
                } else {
                    earliest = min(earliest, slot.deadline)
                }
            }
            index += 1
        }
        if earliest < .distantFuture { moveTimer(to: earliest) }
    }
}

@available(*, unavailable)
extension LoopDeadlines: Sendable {}
