import Foundation

/// A drawing area with two axes, grid and labels, into which charts put their marks. Colours are classes of the page's
/// style sheet, so that they follow the reader's light or dark theme.
struct Plot {
  static let width = 720.0
  private static let margin = (left: 58.0, right: 16.0, top: 14.0, bottom: 44.0)

  let x: Axis
  let y: Axis
  let height: Double
  /// About how many labels the x axis has.
  private let columns: Int
  private let xLabel: String
  private let yLabel: String
  private let xFormat: (Double, Double) -> String
  private let yFormat: (Double, Double) -> String
  private var marks = Markup()

  init(
    x: (low: Double, high: Double, label: String), y: (low: Double, high: Double, label: String),
    height: Double = 300, columns: Int = 8, xFormat: @escaping (Double, Double) -> String = Axis.label,
    yFormat: @escaping (Double, Double) -> String = Axis.label
  ) {
    self.height = height
    self.columns = columns
    self.x = Axis(x.low, x.high, over: Self.margin.left...(Self.width - Self.margin.right))
    self.y = Axis(y.low, y.high, over: Self.margin.top...(height - Self.margin.bottom), isUpward: true)
    xLabel = x.label
    yLabel = y.label
    self.xFormat = xFormat
    self.yFormat = yFormat
  }

  static func percent(_ value: Double, _ step: Double) -> String { Axis.label(value * 100, step: step * 100) + " %" }

  private func path(_ points: [CurvePoint]) -> String {
    points.enumerated().map { index, point in
      "\(index == 0 ? "M" : "L")\(Markup.place(x.place(point.x))) \(Markup.place(y.place(point.y)))"
    }.joined()
  }

  mutating func line(_ points: [CurvePoint], class style: String, title: String) {
    guard !points.isEmpty else { return }
    marks.add("path", [("class", "line \(style)"), ("d", path(points))]) { $0.add("title", text: title) }
  }

  /// A line that stays at a value until the next one.
  mutating func steps(_ points: [CurvePoint], class style: String, title: String) {
    var corners: [CurvePoint] = []
    for point in points {
      if let last = corners.last { corners.append(CurvePoint(x: point.x, y: last.y)) }
      corners.append(point)
    }
    line(corners, class: style, title: title)
  }

  mutating func band(_ points: [(x: Double, low: Double, high: Double)], class style: String, title: String) {
    guard points.count > 1 else { return }
    let edge =
      points.map { CurvePoint(x: $0.x, y: $0.high) } + points.reversed().map { CurvePoint(x: $0.x, y: $0.low) }
    marks.add("path", [("class", style), ("d", path(edge) + "Z")]) { $0.add("title", text: title) }
  }

  mutating func bar(x columns: ClosedRange<Double>, y rows: ClosedRange<Double>, class style: String, title: String) {
    let (left, right) = (x.place(columns.lowerBound), x.place(columns.upperBound))
    let (top, bottom) = (y.place(rows.upperBound), y.place(rows.lowerBound))
    guard bottom - top > 0.05 else { return }
    // A hair of the surface between bars keeps neighbours apart.
    let gap = right - left > 4 ? 1.0 : 0.2
    marks.add(
      "rect",
      [
        ("class", style), ("x", Markup.place(left + gap / 2)), ("y", Markup.place(top)),
        ("width", Markup.place(max(0.5, right - left - gap))), ("height", Markup.place(bottom - top)),
      ]
    ) { $0.add("title", text: title) }
  }

  mutating func dot(_ point: CurvePoint, class style: String, title: String) {
    marks.add(
      "circle",
      [
        ("class", style), ("cx", Markup.place(x.place(point.x))), ("cy", Markup.place(y.place(point.y))), ("r", "2.5"),
      ]
    ) { $0.add("title", text: title) }
  }

  /// A horizontal line with words on it.
  mutating func limit(_ value: Double, label: String) {
    let row = Markup.place(y.place(value))
    marks.add(
      "line",
      [
        ("class", "limit"), ("x1", Markup.place(x.pixels.lowerBound)), ("x2", Markup.place(x.pixels.upperBound)),
        ("y1", row), ("y2", row),
      ])
    marks.add(
      "text",
      [
        ("class", "note"), ("x", Markup.place(x.pixels.upperBound - 4)), ("y", Markup.place(y.place(value) + 14)),
        ("text-anchor", "end"),
      ], text: label)
  }

  /// A vertical line where something begins, with words beside it.
  mutating func beginning(_ value: Double, label: String) {
    let column = Markup.place(x.place(value))
    marks.add(
      "line",
      [
        ("class", "limit"), ("x1", column), ("x2", column), ("y1", Markup.place(y.pixels.lowerBound)),
        ("y2", Markup.place(y.pixels.upperBound)),
      ])
    marks.add(
      "text",
      [("class", "note"), ("x", Markup.place(x.place(value) + 4)), ("y", Markup.place(y.pixels.lowerBound + 10))],
      text: label)
  }

  /// The whole drawing.
  ///
  /// - Parameter description: what a reader who cannot see it is told.
  func svg(description: String) -> Markup {
    var result = Markup()
    result.add(
      "svg",
      [
        ("viewBox", "0 0 \(Int(Self.width)) \(Int(height))"), ("role", "img"), ("aria-label", description),
        ("xmlns", "http://www.w3.org/2000/svg"),
      ]
    ) { svg in
      grid(&svg)
      svg.text += marks.text
      svg.add(
        "line",
        [
          ("class", "axis"), ("x1", Markup.place(x.pixels.lowerBound)), ("x2", Markup.place(x.pixels.upperBound)),
          ("y1", Markup.place(y.pixels.upperBound)), ("y2", Markup.place(y.pixels.upperBound)),
        ])
    }
    return result
  }

  private func grid(_ svg: inout Markup) {
    let rows = y.ticks(height > 150 ? 5 : 2)
    let rowStep = rows.count > 1 ? rows[1] - rows[0] : 1
    for value in rows {
      let row = Markup.place(y.place(value))
      svg.add(
        "line",
        [
          ("class", "grid"), ("x1", Markup.place(x.pixels.lowerBound)), ("x2", Markup.place(x.pixels.upperBound)),
          ("y1", row), ("y2", row),
        ])
      svg.add(
        "text",
        [
          ("x", Markup.place(x.pixels.lowerBound - 8)), ("y", Markup.place(y.place(value) + 4)), ("text-anchor", "end"),
        ], text: yFormat(value, rowStep))
    }
    let columns = x.ticks(columns)
    let columnStep = columns.count > 1 ? columns[1] - columns[0] : 1
    for value in columns {
      svg.add(
        "text",
        [
          ("x", Markup.place(x.place(value))), ("y", Markup.place(y.pixels.upperBound + 16)), ("text-anchor", "middle"),
        ], text: xFormat(value, columnStep))
    }
    svg.add(
      "text",
      [
        ("class", "name"), ("x", Markup.place((x.pixels.lowerBound + x.pixels.upperBound) / 2)),
        ("y", Markup.place(height - 8)), ("text-anchor", "middle"),
      ], text: xLabel)
    let middle = (y.pixels.lowerBound + y.pixels.upperBound) / 2
    svg.add(
      "text",
      [
        ("class", "name"), ("x", "12"), ("y", Markup.place(middle)), ("text-anchor", "middle"),
        ("transform", "rotate(-90 12 \(Markup.place(middle)))"),
      ], text: yLabel)
  }
}
