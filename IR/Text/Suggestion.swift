/// The one of `candidates` that a writer of `text` probably meant, or nil where none is near.
///
/// Near is an edit distance of a third of the length or less: nothing is near a text of one or two characters.
package func nearest(to text: String, among candidates: some Sequence<String>) -> String? {
  guard text.count <= 64 else { return nil }
  let limit = text.count / 3
  var best: (text: String, distance: Int)?
  for candidate in candidates where !candidate.isEmpty && abs(candidate.count - text.count) <= limit {
    let distance = editDistance(Array(text), Array(candidate))
    if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
  }
  return best?.text
}

/// ` (did you mean softmax?)`, or nothing where no candidate is near.
package func suggestion(for text: String, among candidates: some Sequence<String>, prefix: String = "") -> String {
  nearest(to: text, among: candidates).map { " (did you mean \(prefix)\($0)?)" } ?? ""
}

/// The least number of characters inserted, dropped, replaced or swapped with the next that makes one text the other.
private func editDistance(_ a: [Character], _ b: [Character]) -> Int {
  var rows = [[Int]](repeating: [Int](repeating: 0, count: b.count + 1), count: a.count + 1)
  for i in 0...a.count {
    for j in 0...b.count {
      guard i > 0, j > 0 else {
        rows[i][j] = i + j
        continue
      }
      let replaced = rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)
      rows[i][j] = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, replaced)
      if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1) }
    }
  }
  return rows[a.count][b.count]
}
