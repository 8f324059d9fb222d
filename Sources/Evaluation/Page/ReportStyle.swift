/// The style sheet of a report: one set of names, with colours for light and for dark surroundings.
enum ReportStyle {
  /// How many shades there are from the first ramp to the last.
  static let rampSteps = 8

  private static let shades = [
    "#9ec5f4", "#86b6ef", "#6da7ec", "#5598e7", "#3987e5", "#2a78d6", "#256abf", "#1c5cab",
  ]

  private static var rampRules: String {
    shades.enumerated().map { index, shade in
      "rect.ramp\(index) { fill: \(shade); } .line.ramp\(index) { stroke: \(shade); } .key.ramp\(index) { background: \(shade); }"
    }.joined(separator: "\n")
  }

  static let sheet = """
    :root { color-scheme: light dark;
      --page: #f9f9f7; --surface: #ffffff; --ink: #0b0b0b; --muted: #52514e; --grid: #e6e5e0; --axis: #a3a29c;
      --vanilla: #8a8984; --policy: #2a78d6; --oracle: #1baf7a; --cost: #e34948; --final: #d5d4ce; --band: #2a78d633; }
    @media (prefers-color-scheme: dark) { :root {
      --page: #0d0d0d; --surface: #1a1a19; --ink: #ffffff; --muted: #c3c2b7; --grid: #33332f; --axis: #6f6e68;
      --vanilla: #9a9992; --policy: #3987e5; --oracle: #199e70; --cost: #e66767; --final: #45443f; --band: #3987e53d; } }
    body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
    main { max-width: 780px; margin: 0 auto; padding: 24px 16px 48px; }
    h1 { font-size: 24px; line-height: 1.25; margin: 8px 0 12px; }
    h2 { font-size: 17px; margin: 0 0 4px; }
    p { margin: 0 0 12px; color: var(--muted); }
    p.lead { font-size: 17px; color: var(--ink); }
    section { background: var(--surface); border: 1px solid var(--grid); border-radius: 8px; padding: 16px; margin: 16px 0; }
    .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 16px 0; }
    .tile { background: var(--surface); border: 1px solid var(--grid); border-radius: 8px; padding: 12px 16px; }
    .tile .value { font-size: 26px; font-weight: 600; line-height: 1.3; }
    .tile .name { color: var(--muted); font-size: 13px; }
    .legend { display: flex; flex-wrap: wrap; gap: 4px 16px; color: var(--muted); font-size: 13px; margin: 0 0 4px; }
    .key { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 6px; vertical-align: -1px; }
    .scroll { overflow-x: auto; margin: 8px 0 16px; }
    table { border-collapse: collapse; font-size: 13px; width: 100%; }
    th, td { text-align: right; padding: 5px 8px; border-bottom: 1px solid var(--grid); white-space: nowrap;
      font-variant-numeric: tabular-nums; }
    th { color: var(--muted); font-weight: 500; }
    th:first-child, td:first-child { text-align: left; }
    svg { display: block; width: 100%; height: auto; }
    svg text { fill: var(--muted); font-size: 12px; }
    svg .note { font-size: 11px; }
    .grid { stroke: var(--grid); stroke-width: 1; }
    .axis { stroke: var(--axis); stroke-width: 1; }
    .limit { stroke: var(--axis); stroke-width: 1; stroke-dasharray: 4 3; }
    .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
    .line.vanilla { stroke: var(--vanilla); } .key.vanilla { background: var(--vanilla); }
    .line.policy { stroke: var(--policy); } .key.policy { background: var(--policy); }
    .line.oracle { stroke: var(--oracle); stroke-dasharray: 5 4; } .key.oracle { background: var(--oracle); }
    .band { fill: var(--band); } .key.band { background: var(--band); }
    .final { fill: var(--final); } .key.final { background: var(--final); }
    .cost { fill: var(--cost); } .key.cost { background: var(--cost); }
    .alone { fill: var(--axis); } .key.alone { background: var(--axis); }
    \(rampRules)
    """
}
