"""Languages by ISO 639-1 code: the scripts of their text and the letters of their alphabets."""

import unicodedata
from dataclasses import dataclass

DIGITS = "0123456789"
PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~«»„“”‘’‚‹›–—…·•°§№¿¡€£"


@dataclass(frozen=True)
class Language:
    """`scripts` are Unicode's names; `letters` are those of the alphabet in lower case, if it has cases.

    Chinese, Japanese and Korean have no list of letters: of their characters those that occur stay.
    """

    scripts: tuple[str, ...]
    letters: str

    def alphabet(self) -> set[str]:
        """The letters in both cases; one whose other case is several characters has one case."""
        return {form for letter in self.letters for form in (letter, letter.upper()) if len(form) == 1}


def block(first: int, last: int) -> str:
    """The letters and combining marks from one code point to another, both included."""
    return "".join(char for char in map(chr, range(first, last + 1)) if unicodedata.category(char)[0] in "LM")


LATIN = "abcdefghijklmnopqrstuvwxyz"
BEYOND_LATIN = {  # letters of Latin alphabets beside a to z
    "af": "áéèêëíîïóôöúûü", "az": "çəğıiöşü", "bs": "čćđšž", "ca": "àçéèíïóòúü·", "cs": "áčďéěíňóřšťúůýž",
    "cy": "âêîôûŵŷäëïöüẅÿàèìòùẁỳáéíóúẃý", "da": "æøå", "de": "äöüß", "en": "", "eo": "ĉĝĥĵŝŭ", "es": "áéíñóúü",
    "et": "šžõäöü", "eu": "ñü", "fi": "åäöšž", "fr": "àâæçéèêëîïôœùûüÿ", "ga": "áéíóú", "gl": "áéíñóúü", "hr": "čćđšž",
    "hu": "áéíóöőúüű", "id": "", "is": "áðéíóúýþæö", "it": "àéèìíîóòù", "lt": "ąčęėįšųūž", "lv": "āčēģīķļņšūž",
    "ms": "", "mt": "ċġħż", "nb": "æøåéèêóòôà", "nl": "áéëíïóöúüèê", "no": "æøåéèêóòôà", "pl": "ąćęłńóśźż",
    "pt": "áàâãçéêíóôõúü", "ro": "ăâîșțşţ", "sk": "áäčďéíĺľňóôŕšťúýž", "sl": "čšž", "sq": "çë", "sv": "åäöé", "sw": "",
    "tl": "ñ", "tr": "çğıiöşüâîû", "uz": "ʻʼ",
    "vi": "ăâđêôơưàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ",
}  # fmt: skip
RUSSIAN = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
CYRILLIC = {
    "be": "абвгдеёжзійклмнопрстуўфхцчшыьэюя", "bg": "абвгдежзийклмнопрстуфхцчшщъьюяѝ", "kk": RUSSIAN + "әғқңөұүһі",
    "ky": RUSSIAN + "ңөү", "mk": "абвгдѓежзѕијклљмнњопрстќуфхцчџш", "mn": RUSSIAN + "өү", "ru": RUSSIAN,
    "tg": RUSSIAN + "ғӣқӯҳҷ", "tt": RUSSIAN + "әҗңөүһ", "uk": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
}  # fmt: skip
OTHERS = {
    "am": ("Ethiopic", block(0x1200, 0x135A)), "ar": ("Arabic", block(0x0621, 0x0652)),
    "bn": ("Bengali", block(0x0980, 0x09E3)), "el": ("Greek", block(0x0386, 0x03CE)),
    "fa": ("Arabic", block(0x0621, 0x0652) + "پچژکگی"), "gu": ("Gujarati", block(0x0A81, 0x0AE3)),
    "he": ("Hebrew", block(0x05B0, 0x05EA)), "hi": ("Devanagari", block(0x0900, 0x0963)),
    "hy": ("Armenian", block(0x0561, 0x0587)), "ka": ("Georgian", block(0x10D0, 0x10F0)),
    "km": ("Khmer", block(0x1780, 0x17D3)), "kn": ("Kannada", block(0x0C80, 0x0CE3)),
    "lo": ("Lao", block(0x0E81, 0x0EDD)), "ml": ("Malayalam", block(0x0D00, 0x0D63)),
    "mr": ("Devanagari", block(0x0900, 0x0963)), "my": ("Myanmar", block(0x1000, 0x103E)),
    "ne": ("Devanagari", block(0x0900, 0x0963)), "pa": ("Gurmukhi", block(0x0A01, 0x0A75)),
    "si": ("Sinhala", block(0x0D82, 0x0DDF)), "ta": ("Tamil", block(0x0B82, 0x0BD7)),
    "te": ("Telugu", block(0x0C00, 0x0C63)), "th": ("Thai", block(0x0E01, 0x0E4E)),
    "ur": ("Arabic", block(0x0621, 0x0652) + "ٹپچڈڑژکگںھہیے"), "yi": ("Hebrew", block(0x05B0, 0x05F2)),
}  # fmt: skip
SERBIAN = "абвгдђежзијклљмнњопрстћуфхцчџш"

LANGUAGES: dict[str, Language] = {
    **{code: Language(("Latin",), LATIN + letters) for code, letters in BEYOND_LATIN.items()},
    **{code: Language(("Cyrillic",), letters) for code, letters in CYRILLIC.items()},
    **{code: Language((script,), letters) for code, (script, letters) in OTHERS.items()},
    "sr": Language(("Cyrillic", "Latin"), SERBIAN + LATIN + "čćđšž"),
    "zh": Language(("Han",), ""),
    "ja": Language(("Han", "Hiragana", "Katakana"), block(0x3041, 0x3096) + block(0x30A1, 0x30FC)),
    "ko": Language(("Hangul", "Han"), ""),
}
