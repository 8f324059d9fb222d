/// How the tiles of a Winograd convolution are spread over work-items. Follows the batch; changes no bit of a result.
struct WinogradSchedule: Sendable {
  enum Stages: Sendable {
    /// Transform, product and inverse transform for a few tiles at a time, in this many work-items: everything between
    /// stays in a core's cache, but every chunk reads all filters.
    case fused(items: Int)
    /// One launch per stage, parallel over points and columns: for few tiles under large filters.
    case separate
  }

  let stages: Stages
  /// Rows of the register tile of the product.
  let rows: Int
  let tilesPerItem: Int

  init(tiles: Int, points: Int, channels: Int, outputs: Int, vectors: Int, target: KernelTarget) {
    let candidates =
      target.vectorWidth == 16 ? (vectors == 2 ? [6, 12, 8] : [6, 5, 4, 7]) : vectors == 3 ? [4, 3] : [6, 4]
    let units = target.computeUnits
    // The slice of a work-item: at most 512 KiB, and enough tiles that filters are read rarely.
    let cached = max(candidates[0], (1 << 17) / (points * (channels + outputs)))
    let filters = points * channels * outputs * 4

    var best: (cost: Double, rows: Int, tiles: Int)?
    for rows in candidates {
      for multiple in 1...8 {
        let perItem = min(rows * multiple, tiles)
        if perItem > max(cached, 2 * rows) { break }
        // Rounds of chunks over the units, each padded to whole register tiles, plus the reading of filters.
        let rounds = tiles.dividedRoundingUp(by: perItem).dividedRoundingUp(by: units)
        let product = Double(perItem.roundedUp(to: rows)) * (1 + 0.3 / Double(rows))
        let cost = Double(rounds) * (product + (filters > 1 << 19 ? 4 : 2))
        if best.map({ cost < $0.cost }) ?? true { best = (cost, rows, perItem) }
      }
    }
    let choice = best ?? (0, candidates[0], min(tiles, candidates[0]))
    rows = choice.rows
    tilesPerItem = choice.tiles
    let chunks = tiles.dividedRoundingUp(by: choice.tiles)
    let idle = chunks < units
    stages =
      (filters > 4 << 20 && tiles < 64 * units) || (idle && filters > 1 << 18)
      ? .separate : .fused(items: min(chunks, 4 * units))
  }
}
