"""What the acceptance tests share: processes, the simulators, the gateway, raw sockets and small documents."""
