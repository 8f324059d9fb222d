/// The ramps to begin with, before anything is known of them.
public enum StartingRamps {
  /// As many sites as the budget admits, evenly spaced over the model's latency. Design §1, "Start".
  ///
  /// For each number of ramps, from all sites down, the sites nearest to equal shares of the latency are tried; a site whose
  /// ramp is too dear leads to fewer ramps, not to another site.
  public static func evenlySpaced(in profile: LatencyProfile, budget: Double) -> [RampID] {
    let latency = profile.measured[0]
    for count in stride(from: profile.sites, to: 0, by: -1) {
      var chosen: [RampID] = []
      for place in 1...count {
        let wanted = latency.total * Double(place) / Double(count + 1)
        let free = (0..<profile.sites).filter { site in !chosen.contains(RampID(site)) }
        let nearest = free.min { abs(latency.untilSite[$0] - wanted) < abs(latency.untilSite[$1] - wanted) }
        if let nearest { chosen.append(RampID(nearest)) }
      }
      chosen.sort()
      if profile.admits(chosen, budget: budget) { return chosen }
    }
    return []
  }
}
