/// What we know of CAs' profiles.
enum Profile {
  /// How many names a certificate of a profile may have.
  static func maximumNames(_ profile: String?) -> Int {
    switch profile {
    // https://letsencrypt.org/docs/profiles/: 25 for tlsserver and shortlived, 100 for classic.
    case "tlsserver", "shortlived": 25
    default: 100
    }
  }

  /// Let's Encrypt's profiles and those that the inventory names.
  static func known(to authorities: [Authority]) -> [String] {
    var known = ["classic", "tlsserver", "shortlived"]
    for profile in authorities.flatMap({ [$0.profile].compactMap { $0 } + $0.profiles }) where !known.contains(profile)
    {
      known.append(profile)
    }
    return known
  }
}
