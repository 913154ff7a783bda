/*
 * How letters are read that ICU passes by.
 *
 * Three tables. Letters that stand by themselves, of languages that write in a script which ICU reads:
 * `letters`. Whole scripts, by runs of code points: `spans`. Syllabaries, whose letters Unicode has named
 * by what they say: no table at all.
 *
 * In a script of India's kin a consonant is said with a vowel, which a sign behind it replaces, or takes
 * away. So a reading in a span may have marks: `k+` is a consonant with its vowel, written `ka`; `=i`
 * replaces that vowel, and `=` alone takes it away; `<e` is a vowel that is written before its consonant
 * and said after it; `~o` is said inside a word alone. `-` is silent, and `.` no letter of ours.
 *
 * These are plain readings, one letter at a time, as good as an address needs: no dictionary, no tones.
 */
#include "api/reading.h"

#include <stddef.h>
#include <string.h>

#include <unicode/uchar.h>
#include <unicode/ustring.h>

#include "base/must.h"

#define NAME_BYTES 128 /* of a character's name; the longest has 83 */

/* clang-format off */

/* Each letter with its reading, in lower case. Latin, Cyrillic, Arabic, Malayalam. */
static const UChar letters[] =
	u" ǝe əe ɘe ɚer ɜe ɝer ɞe ɔo ɒo ɵo ɤo ɷo ɐa ɑa ɣg ɩi ɯu ʊu ʌu ɥy ɸf ɮl ɹr ɺr ɻr ʁr ʃsh ʒzh ʎly"
	u" ʤdj ʧch ʨc ȝy ȣou ɋq ƨs ꜩtz ꭓx"
	u" ѡo ѣe ѥie ѧia ѩia ѫu ѭiu ѯks ѱps ѳf ѵi ѷi ѹu ѻo ѽo ѿot ҁk ҋi ҏr җj ҝg ҟk ҡq қq ңn ҥn ҧp"
	u" ҩo ҫs ҭt үu ұu ҳh ҵts ҷj ҹj һh ҽch ҿch ӄk ӆl ӈn ӊn ӌch ӎm әa ӛa ӡdz өo ӫo ӷg ӻg ӽh ӿh ԁd"
	u" ԃd ԅz ԇz ԉl ԋn ԍs ԏt ԑe ԓl ԕr ԗr ԙya ԛq ԝw ԟk ԡl ԣn ԥp ԧh ԩn ԫdz ԭch ԯl ꙁz ꙃdz ꙅdz ꙇi ꙉg"
	u" ꙋu ꙍo ꙑy ꙓe ꙕiu ꙗia ꙙia ꙛia ꙝia"
	u" ٱa ٲa ٳa ٮb ٯq ٹt ٺt ٻb ټt ٽt ٿt ڀbh ځz ڃny ڄj څts ڇch ڈd ډd ڊd ڌdh ڍdh ڎd ڑr ڒr ړr ڕr"
	u" ږg ڗzh ڙr ښsh ڛs ڜsh ڠng ڢf ڥv ڦph ڧq ڨq ڪk ګg ڬg ڭng ڰg ڱng ڲg ڳg ڴg ڵl ڶl ڷl ڸl ڹn ںn"
	u" ڻn ڼn ڽny ھh ہh ۀh ۂh ۃt ۄo ۅo ۆo ۇu ۈu ۉu ۊu ۋv ۍy ێe ۏv ېe ۑy ےe ۓe ەe ݐb ݢg ݣk ݨn ݫr ݭs"
	u" ൺn ൻn ർr ൽl ൾl ൿk ";

/* clang-format on */

enum ending {
	OPEN,   /* a vowel that goes without saying is said at a word's end too */
	CLOSED, /* or is not, where the word has another one before */
};

struct span {
	UChar32 first;
	enum ending ending;
	const char *readings; /* of `first` and those behind it, parted by blanks */
};

static const struct span spans[] = {
	/* N'Ko */
	{0x07ca, OPEN, "a e i e u o o - n b p t j ch d r r s gb f k l n m ny n h w y ny"},
	/* Sinhala */
	{0x0d82, OPEN,
		"n h . a a ae ae i i u u ru ru li li e e ai o o au . . . k+ kh+ g+ gh+ ng+ ng+ c+ "
		"ch+ j+ "
		"jh+ ny+ jny+ nj+ t+ th+ d+ dh+ n+ nd+ t+ th+ d+ dh+ n+ . nd+ p+ ph+ b+ bh+ m+ mb+ "
		"y+ r+ "
		". l+ . . v+ sh+ sh+ s+ h+ l+ f+ . . . = . . . . =a =ae =ae =i =i =u . =u . =ru =e "
		"=e =ai "
		"=o =o =au =li"},
	/* Lao */
	{0x0e81, OPEN,
		"k kh . kh . gh ng ch ch s . jh ny ny t th d dh n d t th th dh n b p ph f ph f bh "
		"m y r . "
		"l . v sh s s h l ~o h - a a a am i i eu eu u u - o l ia . . <e <ae <o <ai <ai . - "
		". - - - "
		"- - o . . . . . . . . . . . . . . n m g ny"},
	/* Tibetan: letters, signs, and letters below others */
	{0x0f40, CLOSED,
		"k+ kh+ g+ gh+ ng+ c+ ch+ j+ . ny+ t+ th+ d+ dh+ n+ t+ th+ d+ dh+ n+ p+ ph+ b+ bh+ "
		"m+ ts+ "
		"tsh+ dz+ dzh+ w+ zh+ z+ + y+ r+ l+ sh+ sh+ s+ h+ + ksh+ r+ k+ r+"},
	{0x0f71, CLOSED, "=a =i =i =u =u =ri =ri =li =li =e =e =o =au m h =i =i m m ="},
	{0x0f90, CLOSED,
		"=k+ =kh+ =g+ =gh+ =ng+ =c+ =ch+ =j+ . =ny+ =t+ =th+ =d+ =dh+ =n+ =t+ =th+ =d+ "
		"=dh+ =n+ "
		"=p+ =ph+ =b+ =bh+ =m+ =ts+ =tsh+ =dz+ =dzh+ =w+ =zh+ =z+ =+ =y+ =r+ =l+ =sh+ =sh+ "
		"=s+ "
		"=h+ =+ =ksh+ =w+ =y+ =r+"},
	/* Khmer */
	{0x1780, CLOSED,
		"k+ kh+ k+ kh+ ng+ ch+ chh+ ch+ chh+ nh+ d+ th+ d+ th+ n+ t+ th+ t+ th+ n+ b+ ph+ "
		"p+ ph+ "
		"m+ y+ r+ l+ v+ sh+ s+ s+ h+ l+ + a a i i u ok u ou ru ru lu lu ae ai o o au - - "
		"=a =i =i "
		"=eu =eu =o =ou =uo =aeu =oea =ie =e =ae =ai =o =au m h - - - = r = - - - = = -"},
	/* Mongolian */
	{0x1820, OPEN,
		"a e i o u o u e n ng b p h g m l s sh t d ch j y r w f k kh ts z h zh lh zh ch"},
	/* Balinese */
	{0x1b00, OPEN,
		"m m ng r h a a i i u u re re le le e ai o au k+ kh+ g+ gh+ ng+ c+ ch+ j+ jh+ ny+ "
		"t+ th+ "
		"d+ dh+ n+ t+ th+ d+ dh+ n+ p+ ph+ b+ bh+ m+ y+ r+ l+ w+ sh+ sh+ s+ h+ - =a =i =i "
		"=u =u "
		"=re =re =le =le =e =ai =o =au =e =eu = k+ kh+ ts+ f+ v+ z+ sh+"},
	/* Sundanese */
	{0x1b80, OPEN,
		"ng r h a i u e o e eu k+ q+ g+ ng+ c+ j+ z+ ny+ t+ d+ n+ p+ f+ v+ b+ m+ y+ r+ l+ "
		"w+ s+ "
		"kh+ h+ =y+ =r+ =l+ =i =u =e =o =e =eu = = =m+ =w+"},
	/* Ol Chiki */
	{0x1c5a, OPEN, "o t g ng l a k j m w i s h ny r u ch d n y e p d n r o t b w h"},
	/* Coptic */
	{0x03e3, OPEN, "sh . f . kh . h . j . ch . ti"},
	{0x2c81, OPEN,
		"a . b . g . d . e . s . z . e . th . i . k . l . m . n . x . o . p . r . s . t . "
		"u . ph . "
		"kh . ps . o"},
	/* The older Georgian letters */
	{0x2d00, OPEN,
		"a b g d e v z t i k l m n o p zh r s t u p k gh q sh ch ts dz ts ch kh j h e y w "
		"h o"},
	/* Tifinagh */
	{0x2d30, OPEN,
		"a b bh g gh j j d dh d dh e f k k kh h h h h - kh kh q q i zh zh zh l m n gn ng p "
		"u r r "
		"gh gh gh s s sh t th ch t v w y z z z e o"},
	/* Lisu */
	{0xa4d0, OPEN,
		"b p ph d t th g k kh j c ch dz ts tsh m n l s zh z ng h x gh f w sh y gh a ae e "
		"eu i o u u "
		"uh oe"},
	/* Javanese */
	{0xa980, OPEN,
		"m ng r h a i i i u re le le e ai o k+ k+ k+ g+ g+ ng+ c+ c+ j+ ny+ j+ ny+ t+ t+ "
		"d+ d+ n+ t+ "
		"t+ d+ d+ n+ p+ p+ b+ b+ m+ y+ r+ r+ l+ w+ s+ s+ s+ h+ - =a =o =i =i =u =u =e =ai "
		"=e =re "
		"=y+ =r+ ="},
	/* Meetei Mayek */
	{0xabc0, OPEN,
		"k+ s+ l+ m+ p+ n+ ch+ t+ kh+ ng+ th+ w+ y+ h+ u i ph+ + g+ jh+ r+ b+ j+ d+ gh+ "
		"dh+ bh+ k l "
		"m p n t ng i =o =i =a =e =ou =u =ei ng . - ="},
	/* Gothic */
	{0x10330, OPEN, "a b g d e q z h th i k l m n j u p - r s t w f x hw o -"},
	/* Osmanya */
	{0x10480, OPEN, "- b t j x kh d r s sh dh - g f q k l m n w h y a e i o u a e o"},
	/* Chakma */
	{0x11100, OPEN,
		"n n h a i u e k+ kh+ g+ gh+ ng+ c+ ch+ j+ jh+ ny+ t+ th+ d+ dh+ n+ t+ th+ d+ dh+ "
		"n+ p+ ph+ "
		"b+ bh+ m+ y+ y+ r+ l+ w+ s+ h+ =a =i =i =u =u =e =ai =o =au =oi =o =au = ="},
	/* Adlam */
	{0x1e922, OPEN,
		"a d l m b s p b r e f i o d y w n k y u j ch h q g ny t n v kh gb z kp sh"},
};

/* ---- looking up ------------------------------------------------------------------------------ */

/* A reading as it stands in a table. */
struct found {
	const struct span *span; /* NULL: of a letter by itself */
	const char *text;
	size_t len;
};

/* The reading `place` places behind the first of a span; false where that has no letter. */
static bool find_in_span(const struct span *span, int32_t place, struct found *found)
{
	const char *at = span->readings;

	for (; place > 0; place--) {
		at += strcspn(at, " ");
		if (*at == '\0')
			return false;
		at++;
	}
	*found = (struct found){span, at, strcspn(at, " ")};
	return *at != '.';
}

/* No span has more letters. */
#define SPAN_MAX 128

static bool find_span(UChar32 c, struct found *found)
{
	for (size_t i = 0; i < ARRAY_LEN(spans); i++)
		if (c >= spans[i].first && c < spans[i].first + SPAN_MAX &&
			find_in_span(&spans[i], c - spans[i].first, found))
			return true;
	return false;
}

/* What stands behind a letter in the first table, in ASCII. */
static size_t copy_letter(UChar32 c, char *out)
{
	const UChar *at = c > 0x7f && c <= 0xffff ? u_strchr(letters, (UChar)c) : NULL;
	size_t len = 0;

	if (at == NULL)
		return 0;
	while (*++at != ' ' && len < READING_MAX)
		out[len++] = (char)*at;
	return len;
}

/* ---- a text ---------------------------------------------------------------------------------- */

struct writer {
	UChar *out;
	int32_t len;
	int32_t word;              /* where the word began */
	const struct found *ahead; /* a vowel that is said after the next consonant */
	struct found ahead_found;
	enum ending ending; /* of the last letter's script */
	bool inherent;      /* the last character is a vowel that went without saying */
};

static void put_units(struct writer *w, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		w->out[w->len++] = (UChar)text[i];
	w->inherent = false;
}

static void drop_vowel(struct writer *w)
{
	if (w->inherent)
		w->len--;
	w->inherent = false;
}

static bool has_vowel(const struct writer *w)
{
	for (int32_t i = w->word; i < w->len - 1; i++)
		if (u_strchr(u"aeiou", w->out[i]) != NULL)
			return true;
	return false;
}

static void put_ahead(struct writer *w)
{
	if (w->ahead == NULL)
		return;
	drop_vowel(w);
	put_units(w, w->ahead->text + 1, w->ahead->len - 1);
	w->ahead = NULL;
}

static void end_word(struct writer *w)
{
	put_ahead(w);
	if (w->inherent && w->ending == CLOSED && has_vowel(w))
		drop_vowel(w);
	w->inherent = false;
	w->word = w->len;
}

/* Writes a reading with its marks. */
static void put_found(struct writer *w, const struct found *found)
{
	const char *text = found->text;
	size_t len = found->len;
	bool consonant;

	w->ending = found->span->ending;
	if (*text == '-')
		return;
	if (*text == '<') {
		put_ahead(w);
		w->ahead_found = *found;
		w->ahead = &w->ahead_found;
		return;
	}
	if (*text == '=')
		drop_vowel(w);
	if (*text == '~' && w->len == w->word)
		len = 1; /* it only carries the vowel */
	if (*text == '=' || *text == '~') {
		text++;
		len--;
	}
	consonant = len > 0 && text[len - 1] == '+';
	put_units(w, text, consonant ? len - 1 : len);
	if (consonant) {
		put_units(w, "a", 1);
		w->inherent = true;
	}
	put_ahead(w);
}

/* What joins or marks letters, and is read by nobody, leaves the word and its vowel as they are. */
static bool is_between(UChar32 c)
{
	return (U_GET_GC_MASK(c) & (U_GC_M_MASK | U_GC_CF_MASK)) != 0;
}

/* `units` are what `c` is written in. */
static void put_point(struct writer *w, UChar32 c, const UChar *units, int32_t count)
{
	char reading[READING_MAX];
	struct found found;
	size_t len;

	if (find_span(u_tolower(c), &found)) {
		put_found(w, &found);
		return;
	}
	len = copy_letter(u_tolower(c), reading);
	if (len > 0) {
		put_units(w, reading, len);
		return;
	}
	if (!is_between(c))
		end_word(w);
	u_memcpy(w->out + w->len, units, count);
	w->len += count;
	if (!is_between(c))
		w->word = w->len;
}

int32_t reading_of_text(const UChar *text, int32_t len, UChar *out)
{
	struct writer writer = {.out = out};

	for (int32_t i = 0; i < len;) {
		const int32_t from = i;
		UChar32 c = text[i++];

		if (U16_IS_LEAD(text[from]) && i < len)
			c = U16_GET_SUPPLEMENTARY(text[from], text[i++]);
		put_point(&writer, c, text + from, i - from);
	}
	end_word(&writer);
	return writer.len;
}

/* ---- a letter -------------------------------------------------------------------------------- */

/* Whether a character's name ends with what it says: "YI SYLLABLE NUO". */
static bool is_syllable(const char *name)
{
	if (strncmp(name, "CANADIAN SYLLABICS ", 19) == 0)
		return strstr(name, " FINAL ") == NULL && strstr(name, " GLOTTAL ") == NULL;
	return strncmp(name, "CHEROKEE ", 9) == 0 || strstr(name, " SYLLABLE ") != NULL;
}

static bool read_name(UChar32 c, char *out)
{
	char name[NAME_BYTES];
	UErrorCode status = U_ZERO_ERROR;
	const int32_t len = u_charName(c, U_UNICODE_CHAR_NAME, name, sizeof(name), &status);
	const char *word;

	if (U_FAILURE(status) || len <= 0 || len >= NAME_BYTES || !is_syllable(name))
		return false;
	word = strrchr(name, ' ') + 1;
	if (strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != strlen(word) ||
		strlen(word) > READING_MAX)
		return false;
	for (; *word != '\0'; word++)
		*out++ = (char)(*word | 0x20);
	*out = '\0';
	return true;
}

bool reading_of_letter(UChar32 c, char *out)
{
	const size_t len = copy_letter(u_tolower(c), out);

	out[len] = '\0';
	return len > 0 || read_name(c, out);
}
