/// The two matrix products of training, on row-major matrices. The order of additions depends on sizes only.
enum DenseProducts {
  /// Rows of x that stay in a nearby cache while all columns pass by.
  private static let rowBlock = 32

  /// z[i, j] = Σₜ x[i, t] · w[j, t], with x [rows, depth], w [columns, depth] and z [rows, stride ≥ columns].
  static func multiply(
    _ x: UnsafePointer<Float>, rows: Int, _ w: UnsafePointer<Float>, columns: Int, depth: Int,
    into z: UnsafeMutablePointer<Float>, stride: Int
  ) {
    var firstRow = 0
    while firstRow < rows {
      let lastRow = min(firstRow + rowBlock, rows)
      var column = 0
      while column < columns {
        let pair = column + 1 < columns
        var row = firstRow
        while row + 4 <= lastRow {
          let target = z + row * stride + column
          if pair {
            fourByTwo(x + row * depth, w + column * depth, depth: depth, into: target, stride: stride)
          } else {
            for lane in 0..<4 { target[lane * stride] = dot(x + (row + lane) * depth, w + column * depth, depth) }
          }
          row += 4
        }
        while row < lastRow {
          z[row * stride + column] = dot(x + row * depth, w + column * depth, depth)
          if pair { z[row * stride + column + 1] = dot(x + row * depth, w + (column + 1) * depth, depth) }
          row += 1
        }
        column += pair ? 2 : 1
      }
      firstRow = lastRow
    }
  }

  /// g[j, t] += Σᵢ r[i · rowStride + j · columnStride] · x[i, t], with x [rows, depth] and g [columns, depth].
  static func accumulate(
    _ r: UnsafePointer<Float>, rowStride: Int, columnStride: Int, columns: Int,
    _ x: UnsafePointer<Float>, rows: Int, depth: Int, into g: UnsafeMutablePointer<Float>
  ) {
    var firstRow = 0
    while firstRow < rows {
      let count = min(128, rows - firstRow)
      let residuals = r + firstRow * rowStride
      let values = x + firstRow * depth
      var t = 0
      while t + 16 <= depth {
        var column = 0
        while column + 2 <= columns {
          twoBySixteen(
            residuals + column * columnStride, rowStride: rowStride, columnStride: columnStride, values + t,
            rows: count, depth: depth, into: g + column * depth + t)
          column += 2
        }
        if column < columns {
          oneBySixteen(
            residuals + column * columnStride, rowStride: rowStride, values + t, rows: count, depth: depth,
            into: g + column * depth + t)
        }
        t += 16
      }
      while t < depth {
        for column in 0..<columns {
          let source = residuals + column * columnStride
          var sum: Float = 0
          var row = 0
          while row < count {
            sum += source[row * rowStride] * values[row * depth + t]
            row += 1
          }
          g[column * depth + t] += sum
        }
        t += 1
      }
      firstRow += count
    }
  }

  /// Σ x · y
  @inline(__always)
  static func dot(_ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ depth: Int) -> Float {
    var sum0 = SIMD4<Float>.zero
    var sum1 = SIMD4<Float>.zero
    var t = 0
    while t + 8 <= depth {
      sum0 += load(x + t) * load(y + t)
      sum1 += load(x + t + 4) * load(y + t + 4)
      t += 8
    }
    var sum = (sum0 + sum1).sum()
    while t < depth {
      sum += x[t] * y[t]
      t += 1
    }
    return sum
  }

  /// Eight accumulators keep the sixteen SSE registers busy; loads are shared between rows and columns.
  @inline(__always)
  private static func fourByTwo(
    _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, depth: Int, into z: UnsafeMutablePointer<Float>, stride: Int
  ) {
    var a0 = SIMD4<Float>.zero
    var a1 = SIMD4<Float>.zero
    var a2 = SIMD4<Float>.zero
    var a3 = SIMD4<Float>.zero
    var b0 = SIMD4<Float>.zero
    var b1 = SIMD4<Float>.zero
    var b2 = SIMD4<Float>.zero
    var b3 = SIMD4<Float>.zero
    var t = 0
    while t + 4 <= depth {
      let first = load(w + t)
      let second = load(w + depth + t)
      let x0 = load(x + t)
      let x1 = load(x + depth + t)
      let x2 = load(x + 2 * depth + t)
      let x3 = load(x + 3 * depth + t)
      a0 += x0 * first
      a1 += x1 * first
      a2 += x2 * first
      a3 += x3 * first
      b0 += x0 * second
      b1 += x1 * second
      b2 += x2 * second
      b3 += x3 * second
      t += 4
    }
    var left = SIMD4(a0.sum(), a1.sum(), a2.sum(), a3.sum())
    var right = SIMD4(b0.sum(), b1.sum(), b2.sum(), b3.sum())
    while t < depth {
      let column = SIMD4(x[t], x[depth + t], x[2 * depth + t], x[3 * depth + t])
      left += column * w[t]
      right += column * w[depth + t]
      t += 1
    }
    for lane in 0..<4 {
      z[lane * stride] = left[lane]
      z[lane * stride + 1] = right[lane]
    }
  }

  /// Sixteen gradient elements of two columns: as in ``fourByTwo(_:_:depth:into:stride:)``, eight accumulators.
  @inline(__always)
  private static func twoBySixteen(
    _ r: UnsafePointer<Float>, rowStride: Int, columnStride: Int, _ x: UnsafePointer<Float>, rows: Int, depth: Int,
    into g: UnsafeMutablePointer<Float>
  ) {
    var a0 = SIMD4<Float>.zero
    var a1 = SIMD4<Float>.zero
    var a2 = SIMD4<Float>.zero
    var a3 = SIMD4<Float>.zero
    var b0 = SIMD4<Float>.zero
    var b1 = SIMD4<Float>.zero
    var b2 = SIMD4<Float>.zero
    var b3 = SIMD4<Float>.zero
    var row = 0
    while row < rows {
      let first = SIMD4(repeating: r[row * rowStride])
      let second = SIMD4(repeating: r[row * rowStride + columnStride])
      let value = x + row * depth
      let x0 = load(value)
      let x1 = load(value + 4)
      a0 += first * x0
      b0 += second * x0
      a1 += first * x1
      b1 += second * x1
      let x2 = load(value + 8)
      let x3 = load(value + 12)
      a2 += first * x2
      b2 += second * x2
      a3 += first * x3
      b3 += second * x3
      row += 1
    }
    add(a0, to: g)
    add(a1, to: g + 4)
    add(a2, to: g + 8)
    add(a3, to: g + 12)
    add(b0, to: g + depth)
    add(b1, to: g + depth + 4)
    add(b2, to: g + depth + 8)
    add(b3, to: g + depth + 12)
  }

  @inline(__always)
  private static func oneBySixteen(
    _ r: UnsafePointer<Float>, rowStride: Int, _ x: UnsafePointer<Float>, rows: Int, depth: Int,
    into g: UnsafeMutablePointer<Float>
  ) {
    var sum0 = SIMD4<Float>.zero
    var sum1 = SIMD4<Float>.zero
    var sum2 = SIMD4<Float>.zero
    var sum3 = SIMD4<Float>.zero
    var row = 0
    while row < rows {
      let factor = SIMD4(repeating: r[row * rowStride])
      let value = x + row * depth
      sum0 += factor * load(value)
      sum1 += factor * load(value + 4)
      sum2 += factor * load(value + 8)
      sum3 += factor * load(value + 12)
      row += 1
    }
    add(sum0, to: g)
    add(sum1, to: g + 4)
    add(sum2, to: g + 8)
    add(sum3, to: g + 12)
  }

  @inline(__always)
  static func load(_ pointer: UnsafePointer<Float>) -> SIMD4<Float> {
    UnsafeRawPointer(pointer).loadUnaligned(as: SIMD4<Float>.self)
  }

  @inline(__always)
  static func store(_ value: SIMD4<Float>, at pointer: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: value, as: SIMD4<Float>.self)
  }

  @inline(__always)
  private static func add(_ value: SIMD4<Float>, to pointer: UnsafeMutablePointer<Float>) {
    store(load(pointer) + value, at: pointer)
  }
}
