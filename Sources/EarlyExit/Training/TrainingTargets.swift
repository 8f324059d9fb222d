/// What a ramp is trained towards.
public enum TrainingTargets: String, Sendable, CaseIterable, Codable {
  /// The model's top-1 answers: what agreement is measured by.
  case answers
  /// The model's probabilities, as in distillation; needs ``TeacherLabels/probabilities``.
  case probabilities
}
