"""Makes the tokenizer's reference files with the Python packages tokenizers (0.23.3) and its own seed.

Usage: python3 generate.py MODEL_FOLDER, with `pip install tokenizers==0.23.3`. Writes beside itself:
strings.jsonl      one `[text, ids]` a line: ids of at most 256 tokens, [CLS] and [SEP] counted, never padded.
codepoints.json    for each option set and each 4096 code points a 64-bit FNV-1a hash of what "a", the code point, "b" becomes: the
                   words after normalisation and splitting, each followed by a newline (surrogates left out).
"""
import json
import os
import random
import sys
import unicodedata

from tokenizers import Tokenizer, normalizers, pre_tokenizers

here = os.path.dirname(os.path.abspath(__file__))
model = sys.argv[1]
random.seed(20240607)

tokenizer = Tokenizer.from_file(os.path.join(model, "tokenizer.json"))
tokenizer.no_padding()
tokenizer.enable_truncation(256)
vocabulary = [line.rstrip("\n") for line in open(os.path.join(model, "vocab.txt"), encoding="utf-8")]


def hashes(strip, lowercase):
    normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=strip, lowercase=lowercase)
    splitter = pre_tokenizers.BertPreTokenizer()
    result = []
    for page in range(0, 0x110000, 4096):
        value = 0xCBF29CE484222325
        for code in range(page, page + 4096):
            if 0xD800 <= code < 0xE000:
                continue
            text = normalizer.normalize_str("a" + chr(code) + "b")
            for word, _ in splitter.pre_tokenize_str(text):
                for byte in (word + "\n").encode():
                    value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
        result.append("%016x" % value)
    return result


sentences = """The quick brown fox jumps over the lazy dog; it didn't stop at $3.50 (or 4.00€).
Où est la bibliothèque ? Ça m'a coûté très cher, naïvement, l'été dernier à Orléans.
Die Straße nach Köln führt über große Brücken; ÄÖÜ äöü ẞ ß.
¿Dónde está el niño? ¡Mañana será otro día! El pingüino cruzó.
Não há informação sobre a situação em São Paulo; amanhã, às três.
Příliš žluťoučký kůň úpěl ďábelské ódy.
Zażółć gęślą jaźń. Łódź, Kraków, Wrocław.
Árvíztűrő tükörfúrógép, őszi ünnep.
İstanbul'da ılık bir gün; IŞIK, ışık, İĞNE, iğne.
Þetta er íslenska: ð, æ, ö, þ. Ærlig talt, Åse spiser rødgrød med fløde.
Tiếng Việt có nhiều dấu: ề, ộ, ữ, ắ, ằ, ẵ, ỹ. Nguyễn Thị Ánh.
Съешь же ещё этих мягких французских булок, да выпей чаю. Йод, Ёлка.
Їжак і ґанок, єдиний об'єкт. Љубав и Њушка, ђак, ћевап.
Η γρήγορη καφέ αλεπού· ΟΔΥΣΣΕΥΣ, Ὀδυσσεύς, ᾳ ᾼ ῼ ῳ ΐ ΰ.
הילד אכל תפוח. שָׁלוֹם עֲלֵיכֶם, בְּרֵאשִׁית; "צה״ל".
السلام عليكم ورحمة الله. مُحَمَّد، هل تتحدث العربية؟ ١٢٣٤٥ لا إله
سلام دنیا، می‌خواهم کتاب‌ها را بخوانم. ۱۲۳
اردو زبان میں ایک جملہ ہے۔
नमस्ते दुनिया। क्षत्रिय, ज़िंदगी, पढ़ाई, हिन्दी में लिखें। १२३
আমি বাংলায় গান গাই। বড়, আষাঢ়, য়
ਸਤਿ ਸ੍ਰੀ ਅਕਾਲ ਜੀ। ਖ਼ਬਰ, ਜ਼ਮੀਨ
தமிழ் மொழி மிகவும் பழமையானது. கொ, கோ, கௌ
తెలుగు భాష తియ్యనిది. కై
ಕನ್ನಡ ಭಾಷೆ ಕಲಿಯಿರಿ. ಕೋ
മലയാളം ഭാഷ. കൊ കോ
සිංහල භාෂාව. කෝ
สวัสดีชาวโลก ภาษาไทยไม่มีช่องว่างระหว่างคำ น้ำ กำ
ສະບາຍດີຊາວໂລກ ນ້ຳ
မင်္ဂလာပါ ကမ္ဘာလောက ဦး
សួស្តី​ពិភពលោក
བཀྲ་ཤིས་བདེ་ལེགས། ཀྵ
你好，世界！今天天气怎么样？我们去公园吧。中华人民共和国
臺灣的繁體字：龍、龜、鬱。〇〡〢
吾輩は猫である。名前はまだ無い。カタカナ、ﾊﾝｶｸｶﾅ、ガギグゲゴ、ぱぴぷ、が゙
東京タワーの高さは３３３メートルです。ＡＢＣａｂｃ！？
안녕하세요 세계! 한국어는 교착어입니다. 각 갂 갃 힣 ㄱㄴㄷ ㅏㅑㅓ
გამარჯობა მსოფლიო. ᲒᲐᲛᲐᲠᲯᲝᲑᲐ
Բարև աշխարհ։ ԵՒ և ﬓ
ሰላም ለዓለም። አማርኛ፡ቋንቋ
ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ ꮳꮃꭹ
ᐃᓄᒃᑎᑐᑦ ᖃᓂᐅᔮᖅᐸᐃᑦ
Сайн байна уу ᠮᠣᠩᠭᠣᠯ᠎ᠠ ᠪᠢᠴᠢᠭ
ߒߞߏ ߞߊ߲ ܫܠܡܐ ⲁⲛⲟⲕ 𐌰𐌱𐌲 𐎠𐎡 𓀀𓀁 𒀀𒀁 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟙𝟚𝟛 ① ② Ⅷ ⅷ ½ ¾ ² ³ ℃ Å K Ω
fi ff ffi ŉ ǆ ǅ Ǆ ﬀ ﬁ ﬃ ſ ẛ ẞ ŀ ĳ Ĳ
"Smart" ‘quotes’ “double” «guillemets» ‹single› „low“ – — ― … ‥ ․ · • ‣ ′ ″ ‰ § ¶ † ‡ © ® ™
a+b=c; x<y>z; 5×3÷2±1; √2≈1.41; ∀x∈ℝ ∃y: ¬(x≠y) ∧ ∫∑∏ ← ↑ → ↓ ⇒ ∞
https://example.com/a_b?c=d&e=%20#f user.name+tag@example.co.uk C:\\path\\file #hashtag @mention
def f(x): return {"a": [1, 2.5e-3], 'b': x**2 % 7}  # comment_with_underscores
👍 👍🏽 👨‍👩‍👧‍👦 🏳️‍🌈 🇩🇪🇫🇷 ❤️ ☺︎ 1️⃣ #️⃣ 🫠 🧑🏿‍🚀 😀😃😄 :-) ¯\\_(ツ)_/¯
Z̴̨a̷̛l̶̕g̵o̸ t̷e̴x̷t̸ q̣̇ q̣̇ ạ̈ ä̀̂ é é Å Å ḍ̇ ḍ̇
CamelCaseHTTPServer snake_case kebab-case 3.14159 1,000,000 2024-06-07T12:34:56Z U.S.A. don't can't I'm
""".strip().split("\n")

edges = [
    "", " ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "\u200b", "\ufeff", "\x00", "\x01", "\x7f", "\x85", "\u2028", "\u2029",
    "a\tb\nc\rd", "a\x0bb\x0cc", "a\x1cb\x1dc\x1ed\x1fe", "a\x85b", "a\u00a0b", "a\u1680b", "a\u180eb", "a\u2000b\u200ac", "a\u200bb",
    "a\u202fb", "a\u205fb", "a\u2060b", "a\u3000b", "a\ufeffb", "\ufffd", "a\ufffdb", "\ufffe", "\uffff", "a\U0010ffffb", "\ue000", "a\ue000b",
    "a\x00b", "hello\u00adworld", "un\u200bbeliev\u200dable", "\u202eabc\u202c", "\u0301", "\u0301a", "a \u0301b", "e\u0301", "\u00e9", "\u1e69",
    "s\u0323\u0307", "s\u0307\u0323", "\u0130", "I\u0307", "\u0131", "i\u0307", "\u03a3", "\u03a3\u03a3", "\u039f\u03a3", "\u03c2", "\u212b",
    "\u2126", "\u212a", "\u1e9e", "\u0149", "\u01f0", "\u0345", "\u1fbc", "\uac00", "\ud7a3", "\u1100\u1161\u11a8", "\uac00\u11a8", "\uf900", "\ufa0e",
    "\U0002f800", "\U00020000", "\U0002b820", "\U0002b91f", "\U0002b920", "\U0002ceb0", "\U00030000", "\u3007", "\u3400", "\u4dc0", "\u9fff", "\ua000",
    "\U0001d15e", "\U0001d165\U0001d16d", "\U0001d16d\U0001d165", "\u1b44\u302e", "\u302e\u1b44", "a\u302e\u0334b", "\U00011938", "\U00011935\U00011930",
    "\u0f43", "\u0f77", "\u0344", "\u0958", "\ufb1d", "\ufb4e", "\u2adc", "\u037e", "\u0387", "\u1fef", "\u2000", "\u2329", "\u0340", "\u0374",
    "[CLS]", "[SEP]", "[MASK]", "[UNK]", "[PAD]", "[cls]", "[Mask]", "[ MASK ]", "[MASK", "MASK]", "[[MASK]]", "[MASK][MASK]", "a[MASK]b",
    "The [MASK] sat on the [MASK].", "[CLS] hello [SEP]", "[PAD][PAD] x", "[MASK]\u0301", "e[MASK]\u0301", "[MA\u200bSK]", "\uff3bMASK\uff3d", "##ing", "## ing",
    "[unused0]", "[unused99]", "un##believable", "[UNK]known", "[SEP", "]", "[", "[]", "[MASK]ing", "x[SEP]##y", "\u00e9[CLS]\u00e9", "[MASK ]", "[MAS\u212a]",
    "a" * 99, "a" * 100, "a" * 101, "a" * 500, "\u00e9" * 100, "\u00e9" * 101, "e\u0301" * 100, "e\u0301" * 101, "\u4e00" * 120, "\U0001f600" * 100,
    "\U0001f600" * 101, "\uac00" * 33, "\uac00" * 34, "\uac00" * 50, "\uac00\uac01" * 17, "a" * 100 + "." + "b" * 101, "-" * 300, "the " * 253, "the " * 254,
    "the " * 255, "the " * 300, "the " * 253 + "unbelievably", "the " * 252 + "unbelievably", "[MASK]" * 254, "[MASK]" * 300, "supercalifragilisticexpialidocious " * 60,
    "the" * 30, "antidisestablishmentarianism", "\u200d" * 10, "\ufe0f", "1" * 100, "1" * 101, "word" + "\u200b" * 200 + "word", "\u0301" * 200 + "a", "x" + "\u0301" * 200,
    "\u0130" * 60, "\u0130" * 101, "\u1e9e" * 101, "`'\"~!@#$%^&*()_+-=[]{}|;:,.<>/?\\", "\u055a\u0589\u05be\u060c\u066a\u06d4\u0964\u0e4f\u1361\u166d\u169b\u2010\u2e3a\u3001\ua4fe\ufe10\uff01",
]

assigned = [c for c in range(0x20, 0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]
by_page = {}
for code in assigned:
    by_page.setdefault(code >> 7, []).append(code)
marks = [c for c in assigned if unicodedata.category(chr(c)) in ("Mn", "Mc", "Me")]
ascii_words = [w for w in vocabulary if w.isascii() and w.isalpha()]
other_words = [w for w in vocabulary if not w.isascii()]
blanks = [" ", " ", " ", "  ", "\t", "\n", "\u00a0", "\u3000", "\u2009", "\u200b", "\u2028", ""]
emoji = [c for c in assigned if 0x1F300 <= c < 0x1FB00] + [0x2764, 0x263A, 0x200D, 0xFE0F, 0x1F3FB, 0x1F1E6]

texts = list(edges)
for sentence in sentences:
    texts += [sentence, sentence.upper(), unicodedata.normalize("NFD", sentence), unicodedata.normalize("NFKC", sentence)]
    for _ in range(4):
        start = random.randrange(len(sentence))
        texts.append(sentence[start:start + random.randint(2, 14)])


def word():
    kind = random.random()
    if kind < 0.45:
        return random.choice(ascii_words)
    if kind < 0.6:
        return random.choice(other_words).replace("##", "")
    if kind < 0.75:
        return random.choice(ascii_words) + random.choice(vocabulary).replace("##", "")
    if kind < 0.85:
        return random.choice(ascii_words).upper().title()
    text = list(random.choice(ascii_words))
    text.insert(random.randint(0, len(text)), chr(random.choice(marks if random.random() < 0.5 else assigned)))
    return "".join(text)


for page, codes in sorted(by_page.items()):
    # The CJK and Hangul blocks look alike: a few of their pages do.
    if (0x34 <= page >> 1 < 0x9F or 0xAC <= page >> 1 < 0xD7 or page >= 0x20000 >> 7) and random.random() > 0.05:
        continue
    texts.append("".join(chr(random.choice(codes)) for _ in range(10)))
    texts.append("ab".join(chr(c) for c in random.sample(codes, min(6, len(codes)))))
    texts.append(random.choice(ascii_words) + chr(random.choice(codes)) + random.choice(ascii_words))
for _ in range(900):
    texts.append(random.choice(blanks).join(word() for _ in range(random.randint(1, 7))))
for _ in range(300):
    texts.append("".join(random.choice(blanks) + word() for _ in range(random.randint(1, 5))))
for _ in range(250):
    texts.append("".join(chr(random.choice(assigned)) for _ in range(random.randint(1, 12))))
for _ in range(150):
    texts.append("".join(random.choice("aeiouxAEQ") + "".join(chr(random.choice(marks)) for _ in range(random.randint(0, 5)))
                         for _ in range(random.randint(1, 3))))
for _ in range(120):
    texts.append("".join(chr(random.choice(emoji)) for _ in range(random.randint(1, 6))) + random.choice(["", " ok", "ok"]))
for _ in range(120):
    parts = [random.choice(["[MASK]", "[SEP]", "[CLS]", "[PAD]", "[UNK]", "[mask]", "[", "]", "MASK", " ", word(), word()])
             for _ in range(random.randint(2, 6))]
    texts.append("".join(parts))
for _ in range(120):
    texts.append("".join(chr(random.choice([random.randrange(0x20), random.randrange(0x7F, 0xA1), random.randrange(0x2000, 0x2070),
                                            random.randrange(0xFFF0, 0x10000), random.randrange(0x61, 0x7B)])) for _ in range(10)))
for _ in range(25):
    texts.append(" ".join(word() for _ in range(random.randint(120, 220))))
for _ in range(100):
    text = ""
    while len(text) < 10:
        code = random.randrange(0x110000)
        if not 0xD800 <= code < 0xE000:
            text += chr(code)
    texts.append(text)

lines = []
for text in dict.fromkeys(texts):
    lines.append(json.dumps([text, tokenizer.encode(text).ids], separators=(",", ":")))
with open(os.path.join(here, "strings.jsonl"), "w") as file:
    file.write("\n".join(lines) + "\n")
with open(os.path.join(here, "codepoints.json"), "w") as file:
    sets = [{"strip_accents": s, "lowercase": l, "hashes": hashes(s, l)} for s, l in ((True, True), (False, False), (False, True), (True, False))]
    json.dump(sets, file, indent=0)
    file.write("\n")
print(len(lines), "strings,", sum(map(len, lines)) + len(lines), "bytes")
