import Testing

@Suite struct FleetPlaceholder {}
