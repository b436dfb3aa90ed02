import Testing

@Suite struct ControllerPlaceholder {}
