"""A local fleet of load-balancer pairs on loopback addresses; see tools/lab --help."""
