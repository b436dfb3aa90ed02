import Testing

@Suite struct SSHPlaceholder {}
