import Testing

@Suite struct ACMEPlaceholder {}
