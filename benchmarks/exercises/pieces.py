"""Data: the tables of pieces. A piece tests an element, makes something of it, or reduces many to one.

A row is (key, range of k, phrases, codes). In both texts `{k}` is the number, `{j}` is k+1, `{i}` is k-1, `{h}` is k+10.
"""

# ruff: noqa: E501 - a phrase or a program stands on one line, so that the tables can be read down
from __future__ import annotations

from benchmarks.exercises.grammar import Piece

PieceRow = tuple[str, str, str, str]

INT_TESTS: tuple[PieceRow, ...] = (
    ("even", "", "are even; are divisible by 2; are multiples of two|is a multiple of two", "x % 2 == 0"),
    ("odd", "", "are odd; are not even", "x % 2 == 1; x % 2 != 0"),
    ("positive", "", "are positive; are greater than zero; are above 0", "x > 0; x >= 1; 0 < x"),
    ("negative", "", "are negative; are less than zero; are below 0", "x < 0; x <= -1; 0 > x"),
    ("above", "1..20", "are greater than {k}; exceed {k}; are above {k}; are larger than {k}; are at least {j}",
     "x > {k}; x >= {j}; {k} < x"),
    ("below", "2..20", "are less than {k}; are below {k}; are smaller than {k}; are at most {i}",
     "x < {k}; x <= {i}; {k} > x"),
    ("multiple", "3..9", "are divisible by {k}; are multiples of {k}|is a multiple of {k}", "x % {k} == 0"),
    ("nonmultiple", "3..9", "are not divisible by {k}; are not multiples of {k}|is not a multiple of {k}",
     "x % {k} != 0; x % {k} > 0"),
    ("one-more", "3..9", "leave a remainder of 1 when divided by {k}", "x % {k} == 1"),
    ("ends", "0..9", "end in the digit {k}; end with {k}; have the last digit {k}",
     "abs(x) % 10 == {k}; str(x)[-1] == '{k}'; str(x).endswith('{k}')"),
    ("between", "1..9", "are between {k} and {h}; are from {k} to {h}; are at least {k} and at most {h}",
     "{k} <= x <= {h}; x >= {k} and x <= {h}"),
    ("two-digit", "", "have exactly two digits; have two digits", "10 <= abs(x) <= 99; len(str(abs(x))) == 2"),
    ("square", "", "are perfect squares|is a perfect square; are squares of integers|is the square of an integer",
     "any(d * d == x for d in range(x + 1)); x in [d * d for d in range(x + 1)]"),
    ("prime", "", "are prime; are prime numbers|is a prime number",
     "x > 1 and all(x % d != 0 for d in range(2, x)); x > 1 and not any(x % d == 0 for d in range(2, x))"),
    ("palindrome", "", "read the same backwards; are palindromes|is a palindrome", "str(x) == str(x)[::-1]"),
    ("even-digit-sum", "", "have an even digit sum; have digits that add up to an even number",
     "sum(int(c) for c in str(abs(x))) % 2 == 0"),
    ("not-equal", "1..9", "are not equal to {k}; differ from {k}; are different from {k}", "x != {k}"),
    ("has-digit", "0..9", "contain the digit {k}; have a digit {k}", "'{k}' in str(x)"),
    ("power-of-two", "", "are powers of two|is a power of two; are powers of 2|is a power of 2",
     "x > 0 and x & (x - 1) == 0; x in [2 ** e for e in range(20)]"),
)  # fmt: skip
# A map's phrases speak of "it"; after a bar stands the plural noun, where English has one.
INT_MAPS: tuple[PieceRow, ...] = (
    ("square", "", "its square; it squared; it multiplied by itself| squares", "x * x; x ** 2"),
    ("cube", "", "its cube; it cubed; its third power| cubes", "x ** 3; x * x * x"),
    ("double", "", "its double; twice its value; it times two| doubles", "x * 2; 2 * x; x + x"),
    ("negate", "", "its negative; it with the sign flipped| negatives", "-x; 0 - x; x * -1"),
    ("abs", "", "its absolute value; its magnitude| absolute values; magnitudes", "abs(x); max(x, -x)"),
    ("plus", "1..20", "it plus {k}; it increased by {k}; the result of adding {k} to it", "x + {k}; {k} + x"),
    ("minus", "1..20", "it minus {k}; it decreased by {k}; the result of subtracting {k} from it", "x - {k}; -{k} + x"),
    ("from", "5..20", "{k} minus it; the result of subtracting it from {k}", "{k} - x"),
    ("times", "3..12", "it times {k}; it multiplied by {k}; {k} times its value", "x * {k}; {k} * x"),
    ("modulo", "3..12", "its remainder when divided by {k}; it modulo {k}| remainders modulo {k}", "x % {k}"),
    ("over", "2..9", "it divided by {k} and rounded down; the integer quotient of it and {k}", "x // {k}"),
    ("digit-sum", "", "the sum of its digits; its digit sum| digit sums", "sum(int(c) for c in str(abs(x)))"),
    ("digits", "", "its number of digits; how many digits it has| numbers of digits", "len(str(abs(x)))"),
    ("last-digit", "", "its last digit; its final digit| last digits", "abs(x) % 10; int(str(x)[-1])"),
    ("at-least", "1..9", "the larger of it and {k}; the maximum of it and {k}", "max(x, {k}); x if x > {k} else {k}"),
    ("at-most", "5..15", "the smaller of it and {k}; the minimum of it and {k}", "min(x, {k}); x if x < {k} else {k}"),
    ("distance", "1..12", "its distance from {k}; the absolute difference between it and {k}| distances from {k}",
     "abs(x - {k}); abs({k} - x)"),
    ("bits", "", "the number of ones in its binary form; how many ones its binary form has", "bin(x).count('1')"),
    ("reversed", "", "the number with its digits reversed; its digits read backwards", "int(str(abs(x))[::-1])"),
    ("twice-plus", "1..9", "twice its value plus {k}; its double plus {k}", "2 * x + {k}; x * 2 + {k}"),
    ("square-plus", "1..9", "its square plus {k}; it squared, plus {k}", "x * x + {k}; x ** 2 + {k}"),
    ("square-minus", "1..9", "its square minus {k}; it squared, minus {k}", "x * x - {k}; x ** 2 - {k}"),
)  # fmt: skip
WORD_TESTS: tuple[PieceRow, ...] = (
    ("longer", "2..5", "have more than {k} letters; are longer than {k} characters; have at least {j} characters",
     "len(x) > {k}; len(x) >= {j}"),
    ("shorter", "3..6", "have fewer than {k} letters; are shorter than {k} characters; have at most {i} characters",
     "len(x) < {k}; len(x) <= {i}"),
    ("exactly", "2..6", "have exactly {k} letters; have a length of {k}", "len(x) == {k}"),
    ("even-length", "", "have an even length; have an even number of characters", "len(x) % 2 == 0; not len(x) % 2"),
    ("odd-length", "", "have an odd length; have an odd number of characters", "len(x) % 2 == 1; len(x) % 2 != 0"),
    ("starts", "a b e n r t", "start with '{k}'; begin with the letter {k}; have {k} as first letter",
     "x.startswith('{k}'); x[:1] == '{k}'"),
    ("ends", "a e n r t y", "end with '{k}'; end in the letter {k}; have {k} as last letter",
     "x.endswith('{k}'); x[-1:] == '{k}'"),
    ("contains", "a e i n o r", "contain '{k}'; contain the letter {k}; have the letter {k} in them|has the letter {k} in it",
     "'{k}' in x; x.count('{k}') > 0"),
    ("lacks", "a e i n o r", "do not contain '{k}'; do not contain the letter {k}; lack the letter {k}",
     "'{k}' not in x; x.count('{k}') == 0"),
    ("vowel-first", "", "start with a vowel; begin with a vowel", "x[:1].lower() in list('aeiou')"),
    ("capital", "", "start with a capital letter; begin with an uppercase letter", "x[:1].isupper()"),
    ("lower", "", "are in lower case; are lowercase", "x.islower()"),
    ("palindrome", "", "are palindromes|is a palindrome; read the same backwards", "x == x[::-1]"),
    ("digit", "", "contain a digit; have at least one digit", "any(c.isdigit() for c in x)"),
    ("distinct", "", "have no repeated characters; have only distinct characters", "len(set(x)) == len(x)"),
)  # fmt: skip
WORD_MAPS: tuple[PieceRow, ...] = (
    ("upper", "", "it in upper case; its uppercase form| uppercase forms", "x.upper()"),
    ("lower", "", "it in lower case; its lowercase form| lowercase forms", "x.lower()"),
    ("reversed", "", "it reversed; it spelled backwards; its reversal| reversals", "x[::-1]; ''.join(reversed(x))"),
    ("capitalized", "", "it capitalized; it with the first letter in upper case and the rest in lower case",
     "x.capitalize()"),
    ("swapped", "", "it with upper and lower case swapped", "x.swapcase()"),
    ("first-letter", "", "its first character; its first letter| first characters", "x[:1]"),
    ("last-letter", "", "its last character; its last letter| last characters", "x[-1:]"),
    ("first", "2..4", "its first {k} characters; its prefix of length {k}", "x[:{k}]"),
    ("last", "2..4", "its last {k} characters; its suffix of length {k}", "x[-{k}:]"),
    ("drop", "2..4", "it without the first {k} characters; what is left of it after the first {k} characters", "x[{k}:]"),
    ("repeat", "2..4", "it repeated {k} times; {k} copies of it in a row", "x * {k}; {k} * x"),
    ("no-vowels", "", "it without its vowels; it with all vowels removed", "''.join(c for c in x if c.lower() not in 'aeiou')"),
    ("sorted", "", "its characters in sorted order; its letters sorted", "''.join(sorted(x))"),
    ("without", "a e i n o", "it without the letter {k}; it with every '{k}' removed", "x.replace('{k}', '')"),
    ("suffix", "a s z", "it followed by '{k}'; it with '{k}' added at the end", "x + '{k}'"),
    ("prefix", "a s z", "it with '{k}' put in front; '{k}' followed by it", "'{k}' + x"),
)  # fmt: skip
WORD_NUMBERS: tuple[PieceRow, ...] = (
    ("length", "", "its length; its number of characters; how long it is| lengths", "len(x)"),
    ("vowels", "", "its number of vowels; how many vowels it has| vowel counts",
     "sum(c.lower() in 'aeiou' for c in x); sum(1 for c in x if c.lower() in 'aeiou'); len([c for c in x if c in 'aeiouAEIOU'])"),
    ("count", "a e i n o r", "how often it contains '{k}'; the number of times the letter {k} occurs in it", "x.count('{k}')"),
    ("distinct", "", "its number of distinct characters; how many different characters it has", "len(set(x))"),
    ("capitals", "", "its number of uppercase letters; how many capital letters it has",
     "sum(c.isupper() for c in x); sum(1 for c in x if c.isupper())"),
    ("find", "a e i o", "the position of the first '{k}' in it (-1 if it has none)", "x.find('{k}')"),
    ("double-length", "", "twice its length; its length times two", "2 * len(x); len(x) * 2"),
    ("length-plus", "1..5", "its length plus {k}; {k} more than its length", "len(x) + {k}"),
)  # fmt: skip
CHAR_TESTS: tuple[PieceRow, ...] = (
    ("vowel", "", "are vowels|is a vowel", "x.lower() in 'aeiou'; x in 'aeiouAEIOU'"),
    ("digit", "", "are digits|is a digit", "x.isdigit(); x in '0123456789'"),
    ("upper", "", "are uppercase letters|is an uppercase letter; are upper case", "x.isupper()"),
    ("lower", "", "are lowercase letters|is a lowercase letter; are lower case", "x.islower()"),
    ("letter", "", "are letters|is a letter; are alphabetic", "x.isalpha()"),
    ("other", "", "are not letters|is not a letter; are not alphabetic", "not x.isalpha()"),
    ("consonant", "", "are consonants|is a consonant", "x.isalpha() and x.lower() not in 'aeiou'"),
    ("space", "", "are not spaces|is not a space; are different from a space", "x != ' '"),
    ("is", "a e i n o r t", "are equal to '{k}'; are the letter {k}|is the letter {k}", "x == '{k}'"),
    ("is-not", "a e i n o r t", "are not equal to '{k}'; differ from '{k}'; are not the letter {k}|is not the letter {k}",
     "x != '{k}'"),
    ("before", "f h m p s", "come before '{k}' in the alphabet, ignoring case; are less than '{k}' in lower case",
     "x.lower() < '{k}'"),
    ("among", "xyz abc rst nmo", "are among the letters of '{k}'; occur in '{k}'", "x in '{k}'"),
)  # fmt: skip
CHAR_MAPS: tuple[PieceRow, ...] = (
    ("upper", "", "it in upper case; its uppercase form", "x.upper()"),
    ("lower", "", "it in lower case; its lowercase form", "x.lower()"),
    ("swap", "", "it with its case swapped", "x.swapcase()"),
    ("twice", "2..4", "it repeated {k} times; {k} copies of it", "x * {k}"),
    ("mark", "* # _ +", "the character '{k}'; a '{k}'", "'{k}'"),
    ("then", "- . _ +", "it followed by '{k}'", "x + '{k}'"),
    ("next", "", "the character with the next code point", "chr(ord(x) + 1)"),
)  # fmt: skip
CHAR_NUMBERS: tuple[PieceRow, ...] = (
    ("code", "", "its code point; its character code| code points", "ord(x)"),
    ("code-mod", "3..9", "its code point modulo {k}; the remainder of its code point when divided by {k}", "ord(x) % {k}"),
    ("code-minus", "10..20", "its code point minus {k}; {k} less than its code point", "ord(x) - {k}"),
)  # fmt: skip
REDUCERS: tuple[Piece, ...] = (
    Piece("sum", ("sum", "total"), ("sum(x)",), loop=("0", "acc += x")),
    Piece("product", ("product",), (), loop=("1", "acc *= x"), note="The product of nothing is 1."),
    Piece("largest", ("largest", "maximum", "greatest"), ("max(x, default=0)", "max(x) if x else 0"),
          note="If there are none, return 0."),
    Piece("smallest", ("smallest", "minimum"), ("min(x, default=0)", "min(x) if x else 0"),
          note="If there are none, return 0."),
    Piece("spread", ("difference between the largest and the smallest",), ("max(x) - min(x) if x else 0",),
          note="If there are none, return 0."),
    Piece("distinct", ("number of distinct values",), ("len(set(x))",)),
    Piece("last", ("last",), ("x[-1] if x else 0",), note="If there are none, return 0."),
    Piece("alternating", ("alternating sum (first minus second plus third and so on)",), ("sum(x[::2]) - sum(x[1::2])",)),
    Piece("even-places", ("sum of the first, third, fifth and so on",), ("sum(x[::2])",)),
    Piece("middle", ("median (the upper one of the two middle ones if there are two)",),
          ("sorted(x)[len(x) // 2] if x else 0",), note="If there are none, return 0."),
    Piece("mean", ("rounded-down average",), ("sum(x) // len(x) if x else 0",), note="If there are none, return 0."),
)  # fmt: skip
DATE_PARTS: tuple[Piece, ...] = (
    Piece("year", ("year",), (":4",)),
    Piece("month", ("month",), ("5:7",)),
    Piece("day", ("day",), ("8:",)),
)
SORT_ORDERS: tuple[Piece, ...] = (
    Piece("ascending", ("in ascending order", "from smallest to largest", "smallest first"), ("",)),
    Piece("descending", ("in descending order", "from largest to smallest", "largest first"), (", reverse=True",)),
)
COMBINERS: tuple[Piece, ...] = (
    Piece("sum", ("the sum",), ("a + b",), ("sums",)),
    Piece("difference", ("the first minus the second",), ("a - b",), ()),
    Piece("reverse-difference", ("the second minus the first",), ("b - a",), ()),
    Piece("product", ("the product",), ("a * b",), ("products",)),
    Piece("larger", ("the larger one", "the maximum"), ("max(a, b)", "a if a > b else b"), ("maxima",)),
    Piece("smaller", ("the smaller one", "the minimum"), ("min(a, b)", "a if a < b else b"), ("minima",)),
    Piece("distance", ("the absolute difference",), ("abs(a - b)", "abs(b - a)"), ("absolute differences",)),
    Piece("sum-of-squares", ("the sum of the squares",), ("a * a + b * b", "a ** 2 + b ** 2"), ()),
)
RELATIONS: tuple[Piece, ...] = (
    Piece("rise", ("the second is larger than the first", "the first is smaller than the second"), ("b > a", "a < b")),
    Piece("fall", ("the second is smaller than the first", "the first is larger than the second"), ("b < a", "a > b")),
    Piece("equal", ("the two are equal", "both are the same"), ("a == b", "b == a")),
    Piece("differ", ("the two differ", "they are not equal"), ("a != b",)),
    Piece("even-sum", ("their sum is even", "the two add up to an even number"), ("(a + b) % 2 == 0",)),
    Piece("odd-sum", ("their sum is odd", "the two add up to an odd number"), ("(a + b) % 2 == 1",)),
    Piece("double", ("the second is twice the first",), ("b == 2 * a", "b == a * 2")),
    Piece("opposite", ("one is positive and the other negative", "their signs are opposite"), ("a * b < 0",)),
    *(
        Piece(f"apart-{k}", (f"they differ by more than {k}", f"their absolute difference is greater than {k}"),
              (f"abs(a - b) > {k}", f"abs(b - a) > {k}"))
        for k in range(1, 10)
    ),
    *(
        Piece(f"sum-{k}", (f"their sum is greater than {k}", f"the two add up to more than {k}"), (f"a + b > {k}",))
        for k in range(3, 20)
    ),
)  # fmt: skip


def _plain(*rows: tuple[str, str]) -> tuple[Piece, ...]:
    return tuple(
        Piece(phrase.split(";")[0].replace(" ", "-"), tuple(phrase.split("; ")), (code,)) for phrase, code in rows
    )


COMPARISONS = _plain(
    ("greater than; above", "x >"), ("less than; below", "x <"), ("at least", "x >="), ("at most", "x <=")
)
SIDES = _plain(("left", "rjust"), ("right", "ljust"))
QUANTIFIERS = _plain(("every", "all"), ("at least one", "any"))
DIAGONALS = _plain(("main diagonal", "i"), ("other diagonal (from top right to bottom left)", "n - 1 - i"))
SET_OPERATORS = _plain(("in both", "&"), ("in at least one of", "|"), ("in the first but not in the second of", "-"),
                       ("in exactly one of", "^"))  # fmt: skip
RUNS = _plain(
    ("the character followed by the length; first the character, then the length of the run", "x + str(k)"),
    ("the length followed by the character; first the length of the run, then the character", "str(k) + x"),
    ("the character, a star and the length", "x + '*' + str(k)"),
    ("the length, a colon, the character and a space", "str(k) + ':' + x + ' '"),
    ("the character in upper case followed by the length", "x.upper() + str(k)"),
    ("the length in brackets followed by the character", "'[' + str(k) + ']' + x"),
)
BRACKET_PAIRS = (
    Piece("round", ("()",), ("",), loop=("'('", "')'")),
    Piece("square", ("[]",), ("",), loop=("'['", "']'")),
)
