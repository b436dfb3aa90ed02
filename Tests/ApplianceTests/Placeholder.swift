import Testing

@Suite struct AppliancePlaceholder {}
