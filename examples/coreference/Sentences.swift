/// A sentence with a pronoun that refers to one noun before it.
struct PronounSentence {
  let text: String
  let pronoun: String
  /// What it refers to.
  let antecedent: String
  /// The nouns before the pronoun, in order, the antecedent among them: those that a rule chooses from.
  let nouns: [String]

  init(_ text: String, _ pronoun: String, _ antecedent: String, _ nouns: String...) {
    (self.text, self.pronoun, self.antecedent, self.nouns) = (text, pronoun, antecedent, nouns)
  }

  /// Written for this example. The antecedent follows from gender, number, or what a thing can be; in half of them it is the nearest noun.
  static let all = [
    PronounSentence("The queen wrote to the king because she missed him.", "she", "queen", "queen", "king"),
    PronounSentence("The king wrote to the queen because she was far away.", "she", "queen", "king", "queen"),
    PronounSentence("The actress thanked the waiter and he smiled.", "he", "waiter", "actress", "waiter"),
    PronounSentence("The waiter thanked the actress and he left the room.", "he", "waiter", "waiter", "actress"),
    PronounSentence("The woman called her son, but she was too late.", "she", "woman", "woman", "son"),
    PronounSentence("The man met his daughter when she came home.", "she", "daughter", "man", "daughter"),
    PronounSentence("The girl looked for her uncle until she found his hat.", "she", "girl", "girl", "uncle"),
    PronounSentence("The boy asked his aunt whether she had eaten.", "she", "aunt", "boy", "aunt"),
    PronounSentence("The bride waited for the groom, but he was late.", "he", "groom", "bride", "groom"),
    PronounSentence("The groom waited for the bride because he loved dancing.", "he", "groom", "groom", "bride"),
    PronounSentence("The boys lost the ball and they went home.", "they", "boys", "boys", "ball"),
    PronounSentence("The boy lost the keys because they were small.", "they", "keys", "boy", "keys"),
    PronounSentence("The farmers sold the cow because they needed money.", "they", "farmers", "farmers", "cow"),
    PronounSentence("The farmer sold the cows because they gave no milk.", "they", "cows", "farmer", "cows"),
    PronounSentence("The students broke the window and they ran away.", "they", "students", "students", "window"),
    PronounSentence("The teacher collected the papers after they had dried.", "they", "papers", "teacher", "papers"),
    PronounSentence("The workers repaired the bridge before they went home.", "they", "workers", "workers", "bridge"),
    PronounSentence("The nurse washed the cups because they were dirty.", "they", "cups", "nurse", "cups"),
    PronounSentence("The bus carried the tourists until it ran out of fuel.", "it", "bus", "bus", "tourists"),
    PronounSentence("The tourists took the bus, but it was slow.", "it", "bus", "tourists", "bus"),
    PronounSentence("The house sheltered the soldiers until it burned down.", "it", "house", "house", "soldiers"),
    PronounSentence("The soldiers left the house before it burned down.", "it", "house", "soldiers", "house"),
    PronounSentence("The ship brought the sailors home before it sank.", "it", "ship", "ship", "sailors"),
    PronounSentence("The sailors left the ship before it sank.", "it", "ship", "sailors", "ship"),
    PronounSentence("The lamp lit the tables until it went out.", "it", "lamp", "lamp", "tables"),
    PronounSentence("The children opened the box because it was theirs.", "it", "box", "children", "box"),
    PronounSentence("The dog followed the hunters because it was hungry.", "it", "dog", "dog", "hunters"),
    PronounSentence("The hunters fed the dog because it was hungry.", "it", "dog", "hunters", "dog"),
  ]

  /// Both nouns fit the pronoun: one word decides, and with another word the other noun is meant (after Winograd 1972).
  static let meanings = [
    ("The trophy did not fit into the suitcase because it was too big.", "trophy", "trophy", "suitcase"),
    ("The trophy did not fit into the suitcase because it was too small.", "suitcase", "trophy", "suitcase"),
    ("The ball broke the window because it was heavy.", "ball", "ball", "window"),
    ("The ball broke the window because it was thin.", "window", "ball", "window"),
    ("The truck passed the bus because it was fast.", "truck", "truck", "bus"),
    ("The truck passed the bus because it was slow.", "bus", "truck", "bus"),
    ("The sack was placed below the bag, so it had to be lifted last.", "sack", "sack", "bag"),
    ("The sack was placed below the bag, so it had to be lifted first.", "bag", "sack", "bag"),
    ("The cat ate the mouse because it was hungry.", "cat", "cat", "mouse"),
    ("The cat ate the mouse because it was tasty.", "mouse", "cat", "mouse"),
    ("The table would not go through the door because it was too wide.", "table", "table", "door"),
    ("The table would not go through the door because it was too narrow.", "door", "table", "door"),
    ("The rope held the boat because it was strong.", "rope", "rope", "boat"),
    ("The rope held the boat because it was light.", "boat", "rope", "boat"),
    ("The knife cut the bread because it was sharp.", "knife", "knife", "bread"),
    ("The knife cut the bread because it was soft.", "bread", "knife", "bread"),
  ].map { PronounSentence($0, "it", $1, $2, $3) }

  /// Two well-known ones. "It" is the ball, as what is heavy is picked up with effort; of dog and cat, either may be tired.
  static let drawn = [
    PronounSentence("The robot picked up the ball, because it was heavy.", "it", "ball", "robot", "ball"),
    PronounSentence("The dog chased the cat until it got tired.", "it", "dog", "dog", "cat"),
  ]
}
