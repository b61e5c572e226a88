import HeedIR

private let sizes: [[Name: Int]] = [["T": 4, "N": 3], ["T": 1, "N": 2], ["T": 0, "N": 2]]

/// Loops, in both directions, with fewer steps than rows, and in each other.
let loopGradientCases: [GradientCase] =
  ["", ", reverse = true", ", history = true", ", step_count = [T - 1]"].map { attributes in
    let results = attributes.contains("history") ? "%r, %y, %h" : "%r, %y"
    return GradientCase(
      "loop", "%x: f64[T, N], %h0: f64[N], %w: f64[N, N]",
      """
      \(results) = loop %h0, %x, %w body (state %h: f64[N], %x: f64[N], parameter %w: f64[N, N]) {
        %p = contract %h, %w {subscripts = "i,io->o"}
        %s = add %p, %x
        %n = tanh %s
        %z = multiply %n, %h
        update %h = %n
        return %z
      } {steps = [T]\(attributes)}
      return \(results)
      """, sizes)
  } + [
    GradientCase(
      "loop", "%x: f64[T, N], %h0: f64[N]",
      """
      %r, %y = loop %h0, %x body (state %h: f64[N], %x: f64[N]) {
        %i = extent {value = [t]} : f64
        %m, %k = loop %h, %x body (state %h: f64[N], parameter %x: f64[N]) {
          %d = multiply %h, %x
          %e = sin %d
          update %h = %e
          return %d
        } {steps = [3], step_count = [t]}
        %s = multiply %m, %i
        %u = reduce %k {dims = [0], kind = add}
        update %h = %s
        return %u
      } {steps = [T], index = [t]}
      return %r, %y
      """, sizes)
  ]
