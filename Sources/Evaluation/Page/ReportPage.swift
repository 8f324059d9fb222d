import Foundation

/// A replay's report as one self-contained page: text, drawings and tables, nothing fetched from anywhere.
///
/// The page is well-formed XML as well as HTML. It follows the reader's light or dark theme.
public struct ReportPage: Sendable {
  private let report: ReplayReport

  public init(_ report: ReplayReport) { self.report = report }

  public var html: String {
    var page = Markup()
    page.add("html", [("xmlns", "http://www.w3.org/1999/xhtml"), ("lang", "en")]) { html in
      html.add("head") { head in
        head.add("meta", [("charset", "utf-8")])
        head.add("meta", [("name", "viewport"), ("content", "width=device-width, initial-scale=1")])
        head.add("title", text: title)
        head.add("style") { $0.text = ReportStyle.sheet }
      }
      html.add("body") { body in
        body.add("main") { main in
          summary(&main)
          for chart in charts { section(chart, in: &main) }
          tables(&main)
        }
      }
    }
    return "<!DOCTYPE html>\n" + page.text + "\n"
  }

  private var title: String { "Replay of \(report.setup.model): \(report.setup.policy)" }

  // MARK: Words

  private func summary(_ main: inout Markup) {
    let (setup, vanilla, policy) = (report.setup, report.runs[0].latency, report.runs[1].latency)
    main.add("h1", text: title)
    main.add(
      "p", [("class", "lead")],
      text:
        "Half of the answers came within \(Self.milliseconds(policy.median)), instead of \(Self.milliseconds(vanilla.median)) without exits: \(Self.change(report.medianSaving)). "
        + "\(Self.percent(report.exitShare)) of the items left early, and \(Self.percent(report.agreement.share)) of all answers were the model’s own "
        + "(at 95 % confidence \(Self.percent(report.agreement.low)) to \(Self.percent(report.agreement.high))); wanted were \(Self.percent(setup.accuracy))."
    )
    main.add("div", [("class", "tiles")]) { tiles in
      tile("median latency", Self.milliseconds(policy.median), Self.change(report.medianSaving), &tiles)
      tile("95th percentile", Self.milliseconds(policy.p95), Self.change(1 - policy.p95 / vanilla.p95), &tiles)
      tile("agreement", Self.percent(report.agreement.share), "wanted \(Self.percent(setup.accuracy))", &tiles)
      tile("left early", Self.percent(report.exitShare), "of \(setup.items) items", &tiles)
    }
    main.add(
      "p", [("class", "setup")],
      text:
        "\(setup.items) items of \(setup.stream.joined(separator: ", ")) on \(setup.device); arrivals \(setup.arrivals), replayed at \(setup.speed) speed, batches of at most \(setup.largestBatch). "
        + "Guarantee \(setup.guarantee), ramp budget \(Self.percent(setup.rampBudget)), seed \(setup.seed). "
        + "A latency runs from when an item was due to when its answer was final. Vanilla is the model without ramps on the same items and arrivals; the oracle lets each item leave at the first site whose answer is right, with ramps that cost nothing, which no real policy can know."
    )
  }

  private func tile(_ name: String, _ value: String, _ note: String, _ tiles: inout Markup) {
    tiles.add("div", [("class", "tile")]) { tile in
      tile.add("div", [("class", "name")], text: name)
      tile.add("div", [("class", "value")], text: value)
      tile.add("div", [("class", "name")], text: note)
    }
  }

  static func percent(_ share: Double) -> String { String(format: "%.1f %%", share * 100) }

  static func milliseconds(_ value: Double) -> String {
    String(format: value < 10 ? "%.2f ms" : "%.1f ms", value)
  }

  /// What became smaller by a share.
  static func change(_ saving: Double) -> String {
    String(format: "%.1f %% %@", abs(saving) * 100, saving >= 0 ? "less" : "more")
  }

  // MARK: Drawings

  private struct Section {
    let title: String
    let text: String
    /// Class of the style sheet and name.
    let legend: [(style: String, name: String)]
    let drawings: [Markup]
  }

  private var charts: [Section] {
    [latencyCurves, latencyOverTime, exitsOverTime, thresholdsOverTime, agreementOverTime, utilities]
      .filter { !$0.drawings.isEmpty }
  }

  private func section(_ section: Section, in main: inout Markup) {
    main.add("section") { box in
      box.add("h2", text: section.title)
      box.add("p", text: section.text)
      if section.legend.count > 1 {
        box.add("div", [("class", "legend")]) { legend in
          for entry in section.legend {
            legend.add("span") { item in
              item.add("i", [("class", "key \(entry.style)")]) { $0.text = " " }
              item.add("span", text: entry.name)
            }
          }
        }
      }
      for drawing in section.drawings { box.text += drawing.text }
    }
  }

  private static func runStyle(_ index: Int) -> String { ["vanilla", "policy", "oracle"][min(index, 2)] }

  private var latencyCurves: Section {
    let end = (report.runs.map(\.latency.p99).max() ?? 1) * 1.05
    var plot = Plot(x: (0, end, "latency in milliseconds"), y: (0, 1, "share of answers"), yFormat: Plot.percent)
    for (index, run) in report.runs.enumerated() {
      let inside = run.curve.filter { $0.x <= end }
      plot.line(
        [CurvePoint(x: inside.first?.x ?? 0, y: 0)] + inside, class: Self.runStyle(index),
        title: "\(run.name): median \(Self.milliseconds(run.latency.median))")
    }
    return Section(
      title: "Latency", text: "The share of answers that were final within a time. Further left is better.",
      legend: report.runs.enumerated().map { (Self.runStyle($0.offset), $0.element.name) },
      drawings: [plot.svg(description: "Cumulative distribution of latencies")])
  }

  private var latencyOverTime: Section {
    let top = report.intervals.flatMap { [$0.vanillaMedian, $0.median] }.max() ?? 1
    var plot = itemPlot(y: (0, top * 1.1, "median, ms"), height: 220)
    let names = report.runs.prefix(2).map(\.name)
    for (index, value) in [\ReplayReport.Interval.vanillaMedian, \.median].enumerated() {
      plot.line(
        report.intervals.map { CurvePoint(x: Self.middle($0), y: $0[keyPath: value]) }, class: Self.runStyle(index),
        title: names[index])
    }
    return Section(
      title: "Latency over the stream", text: "The median latency of each stretch of the stream.",
      legend: names.enumerated().map { (Self.runStyle($0.offset), $0.element) },
      drawings: [plot.svg(description: "Median latency over the stream")])
  }

  private func itemPlot(
    y: (Double, Double, String), height: Double, xLabel: String = "item of the stream",
    yFormat: @escaping (Double, Double) -> String = Axis.label
  ) -> Plot {
    var plot = Plot(
      x: (0, Double(report.setup.items), xLabel), y: (y.0, y.1, y.2), height: height, yFormat: yFormat)
    if report.parts.count > 1 {
      var first = 0
      for part in report.parts {
        plot.beginning(Double(first), label: part.name)
        first += part.agreement.items
      }
    }
    return plot
  }

  private static func middle(_ interval: ReplayReport.Interval) -> Double {
    Double(interval.firstItem + interval.endItem) / 2
  }

  private func rampStyle(_ index: Int) -> String {
    // Early ramps light, late ones dark: a ramp's place in the model is its place on the scale.
    let steps = ReportStyle.rampSteps
    return "ramp\(report.ramps.count < 2 ? steps / 2 : index * (steps - 1) / (report.ramps.count - 1))"
  }

  private func rampName(_ ramp: ReplayReport.Ramp) -> String { "ramp \(ramp.ramp)" }

  private var exitsOverTime: Section {
    var plot = itemPlot(y: (0, 1, "share of items"), height: 260, yFormat: Plot.percent)
    for interval in report.intervals {
      let total = Double(max(1, interval.exits.reduce(0, +)))
      var below = 0.0
      for (index, exits) in interval.exits.enumerated() {
        let share = Double(exits) / total
        let isFinal = index == report.ramps.count
        plot.bar(
          x: Double(interval.firstItem)...Double(interval.endItem), y: below...(below + share),
          class: isFinal ? "final" : rampStyle(index),
          title:
            "items \(interval.firstItem) to \(interval.endItem - 1), \(isFinal ? "final head" : rampName(report.ramps[index])): \(exits)"
        )
        below += share
      }
    }
    return Section(
      title: "Where items left", text: "Earlier ramps are at the bottom and lighter; what ran to the end is grey.",
      legend: report.ramps.enumerated().map { (rampStyle($0.offset), rampName($0.element)) } + [
        ("final", "final head")
      ],
      drawings: [plot.svg(description: "Share of items that left at each ramp over the stream")])
  }

  private var thresholdsOverTime: Section {
    let top = max(0.0001, report.policies.flatMap { $0.thresholds.compactMap { $0 } }.max() ?? 0)
    let drawings = report.ramps.enumerated().map { index, ramp -> Markup in
      let isLast = index == report.ramps.count - 1
      var plot = itemPlot(
        y: (0, top * 1.05, rampName(ramp)), height: 110, xLabel: isLast ? "item of the stream" : "")
      // A line is interrupted while its ramp is not active.
      var run: [CurvePoint] = []
      func flush(_ plot: inout Plot) {
        plot.steps(run, class: rampStyle(index), title: "\(rampName(ramp)) at \(ramp.site)")
        run = []
      }
      for (number, change) in report.policies.enumerated() {
        let end =
          number + 1 < report.policies.count ? report.policies[number + 1].item : report.setup.items
        guard let threshold = change.thresholds[index] else {
          flush(&plot)
          continue
        }
        run.append(CurvePoint(x: Double(change.item), y: threshold))
        run.append(CurvePoint(x: Double(end), y: threshold))
      }
      flush(&plot)
      return plot.svg(description: "Threshold of \(rampName(ramp)) over the stream")
    }
    return Section(
      title: "Thresholds",
      text:
        "An item leaves at a ramp when its error score there is below the ramp’s threshold. At 0 nothing leaves; where the line stops, the ramp was not active.",
      legend: [], drawings: drawings)
  }

  private var agreementOverTime: Section {
    // The first stretches are all band and no line.
    let shown = report.intervals.dropFirst(report.intervals.count / 20)
    let lowest = min(report.setup.accuracy, shown.map(\.agreementSoFar.low).min() ?? 0)
    var plot = itemPlot(
      y: (max(0, lowest - (1 - lowest) * 0.15), 1, "agreement"), height: 260, yFormat: Plot.percent)
    plot.band(
      shown.map { (Double($0.endItem), $0.agreementSoFar.low, $0.agreementSoFar.high) }, class: "band",
      title: "95 % confidence")
    plot.limit(report.setup.accuracy, label: "wanted: \(Self.percent(report.setup.accuracy))")
    for interval in report.intervals {
      plot.dot(
        CurvePoint(x: Self.middle(interval), y: interval.agreement), class: "alone",
        title: "items \(interval.firstItem) to \(interval.endItem - 1): \(Self.percent(interval.agreement))")
    }
    plot.line(
      shown.map { CurvePoint(x: Double($0.endItem), y: $0.agreementSoFar.share) }, class: "policy",
      title: "agreement since the start")
    return Section(
      title: "Agreement",
      text:
        "The share of released answers that were the model’s own, from the start of the stream up to each item, with the bounds of its 95 % confidence interval. Every input runs to the end, so this is known and not estimated.",
      legend: [("policy", "since the start"), ("band", "95 % confidence"), ("alone", "each stretch alone")],
      drawings: [plot.svg(description: "Agreement with the model over the stream")])
  }

  private var utilities: Section {
    guard !report.ramps.isEmpty else { return Section(title: "", text: "", legend: [], drawings: []) }
    let items = Double(max(1, report.setup.items))
    let top = max(1e-6, (report.ramps.map(\.savedMilliseconds).max() ?? 0) / items)
    let bottom = (report.ramps.map(\.addedMilliseconds).max() ?? 0) / items
    let ramps = report.ramps
    var plot = Plot(
      x: (-0.6, Double(ramps.count) - 0.4, "ramp"), y: (-bottom * 1.2, top * 1.1, "ms per item"), height: 240,
      columns: ramps.count,
      xFormat: { value, _ in
        value == value.rounded() && ramps.indices.contains(Int(value)) ? "\(ramps[Int(value)].ramp)" : ""
      })
    for (index, ramp) in ramps.enumerated() {
      let columns = (Double(index) - 0.3)...(Double(index) + 0.3)
      plot.bar(
        x: columns, y: 0...(ramp.savedMilliseconds / items), class: rampStyle(index),
        title: "\(rampName(ramp)) saved \(Self.milliseconds(ramp.savedMilliseconds)) in all")
      plot.bar(
        x: columns, y: (-ramp.addedMilliseconds / items)...0, class: "cost",
        title: "\(rampName(ramp)) added \(Self.milliseconds(ramp.addedMilliseconds)) in all")
    }
    return Section(
      title: "Utility of the ramps",
      text:
        "Above zero: what items saved that left at a ramp, per item of the stream. Below: what the ramp added to items that passed it.",
      legend: [("policy", "saved"), ("cost", "added")],
      drawings: [plot.svg(description: "Latency saved and added by each ramp")])
  }

  // MARK: Tables

  private func tables(_ main: inout Markup) {
    main.add("section") { box in
      box.add("h2", text: "Figures")
      let latencies = [
        ("mean", \LatencySummary.mean), ("median", \.median), ("90 %", \.p90), ("95 %", \.p95), ("99 %", \.p99),
      ]
      Self.table(
        ["latency, ms"] + latencies.map(\.0) + ["items a second"],
        report.runs.map { run in
          [run.name] + latencies.map { Self.number(run.latency[keyPath: $0.1]) }
            + [run.name == "oracle" ? "" : Self.number(run.throughput)]
        }, &box)
      if report.parts.count > 1 {
        Self.table(
          [
            "part of the stream", "items", "agreement", "95 % confidence", "left early", "vanilla median, ms",
            "median, ms",
          ],
          report.parts.map { part in
            [
              part.name, "\(part.agreement.items)", Self.percent(part.agreement.share),
              "\(Self.percent(part.agreement.low)) to \(Self.percent(part.agreement.high))",
              Self.percent(part.exitShare), Self.number(part.vanilla.median), Self.number(part.latency.median),
            ]
          }, &box)
      }
      Self.table(
        ["ramp", "site", "latency before", "items seen", "left here", "disagreed", "saved, ms", "added, ms"],
        report.ramps.map { ramp in
          [
            "\(ramp.ramp)", ramp.site, Self.percent(ramp.latencyShare), "\(ramp.activeItems)", "\(ramp.exits)",
            "\(ramp.disagreements)", Self.number(ramp.savedMilliseconds), Self.number(ramp.addedMilliseconds),
          ]
        }, &box)
    }
  }

  private static func number(_ value: Double) -> String { String(format: "%.2f", value) }

  private static func table(_ heading: [String], _ rows: [[String]], _ box: inout Markup) {
    guard !rows.isEmpty else { return }
    box.add("div", [("class", "scroll")]) { scroll in
      scroll.add("table") { table in
        table.add("thead") { head in head.add("tr") { row in for cell in heading { row.add("th", text: cell) } } }
        table.add("tbody") { body in
          for cells in rows { body.add("tr") { row in for cell in cells { row.add("td", text: cell) } } }
        }
      }
    }
  }
}
