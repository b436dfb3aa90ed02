import Glibc

/// The words of the C library for an error number.
func systemMessage(_ code: Int32) -> String { String(cString: strerror(code)) }
