extension Score {
  /// `cap * tanh(score / cap)`: scores held within -cap ... cap.
  ///
  /// Source: Gemma Team, "Gemma 2", 2024; attention-gym, `softcapping`.
  public static func softCap(_ cap: Double) -> Score { Score { score, _ in tanh(score / cap) * cap } }

  /// The same with a quotient of polynomials in place of the hyperbolic tangent: the fifth convergent of its continued fraction,
  /// `x (945 + 105 x^2 + x^4) / (945 + 420 x^2 + 15 x^4)`, held within -1 ... 1. Within 1.4e-3 of the cap.
  public static func approximateSoftCap(_ cap: Double) -> Score {
    Score { score, _ in
      let x = score / cap
      let square = x * x
      let quotient = x * (945 + square * (105 + square)) / (945 + square * (420 + square * 15))
      return maximum(minimum(quotient, 1), -1) * cap
    }
  }
}
