import Testing

@Suite struct PKIPlaceholder {}
