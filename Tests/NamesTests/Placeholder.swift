import Testing

@Suite struct NamesPlaceholder {}
