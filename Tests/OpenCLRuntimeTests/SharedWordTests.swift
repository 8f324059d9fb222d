import Testing

@testable import OpenCLRuntime

@Suite struct SharedWordTests {
  private func reaches(_ value: UInt32, _ target: UInt32) -> Bool {
    withUnsafePointer(to: value) { SharedWord(at: UnsafeRawPointer($0)).reaches(target, .spinning(.microseconds(1))) }
  }

  @Test func comparesModuloItsSize() {
    #expect(reaches(5, 5) && reaches(6, 5) && !reaches(4, 5))
    #expect(reaches(3, .max) && !reaches(.max, 3))
  }

  @Test func givesUpWhenPatienceEnds() {
    withUnsafePointer(to: UInt32(0)) { word in
      #expect(!SharedWord(at: word).reaches(1, .polling(.milliseconds(1))))
      #expect(!SharedWord(at: word).reaches(1, .spinning(.milliseconds(1))))
    }
  }
}
