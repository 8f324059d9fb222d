/// `status` of a response to a client, where it is not a worker's. Names and numbers are Clockwork's.
enum ClientStatus {
  static let success: Int32 = 0
  static let error: Int32 = 1
  static let timeout: Int32 = 4
  static let initializing: Int32 = 5
  static let invalidRequest: Int32 = 6
}
