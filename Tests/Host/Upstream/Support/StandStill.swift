import Glibc

/// Blocks the calling loop for so long that each of its timers of less than 200 ms fires late.
func standStill() { usleep(500_000) }
