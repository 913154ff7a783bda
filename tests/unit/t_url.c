/* Addresses of sites and of people: what may become a link on a public page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/url.h"
#include "base/must.h"

static const char *const sites[] = {
	"http://example.org",
	"https://example.org/",
	"HTTPS://EXAMPLE.ORG/A",
	"hTTp://example.org",
	"http://localhost",
	"http://localhost:8080/x",
	"http://example.org:65535",
	"http://example.org:/",
	"http://127.0.0.1/",
	"http://[::1]/",
	"http://[2001:db8::1]:8080/a?b#c",
	"https://sub-1.example.co.uk/path/to/page.html",
	"https://example.org?query=only",
	"https://example.org#fragment",
	"https://example.org/a?b=c&d=%20e+f#g",
	"https://example.org/(x);y=1,2/~me/@you:here",
	"https://example.org/?a%5B%5D=1&next=https://other.example/",
	"https://www.linkedin.com/in/ann-lee-%C3%A9",
	"https://m\u00fcller.example/",
	"https://xn--mller-kva.example/",
	"https://\u4f8b\u3048.\u30c6\u30b9\u30c8/\u9053?\u554f=\u7b54",
	"https://example.org/caf\u00e9/\U0001f600",
};

static const char *const no_sites[] = {
	"",
	" ",
	"example.org",
	"www.example.org/x",
	"/path",
	"//example.org",
	"?query",
	"#fragment",
	"http",
	"http:",
	"http:/",
	"http://",
	"http:///path",
	"http://?x",
	"http://#x",
	"http://:80/",
	"http:example.org",
	"http:/example.org",
	"https:\\\\example.org",
	"http://example.org\\@evil.example",
	"javascript:alert(1)",
	"JavaScript:alert(1)",
	"javascript://example.org/%0aalert(1)",
	"java\tscript:alert(1)",
	"\x01javascript:alert(1)",
	"data:text/html,hi",
	"vbscript:x",
	"file:///etc/passwd",
	"ftp://example.org/",
	"mailto:ann@example.org",
	"tel:+123",
	"httpx://example.org",
	"http+x://example.org",
	"http://ann@example.org",
	"http://ann:pw@example.org/",
	"http://@example.org/",
	"http://exa mple.org",
	" http://example.org",
	"http://example.org ",
	"http://example.org/a b",
	"http://example.org/a\nb",
	"http://example.org/a\tb",
	"http://example.org/\x7f",
	"http://example.org/\xc2\x85",
	"http://example.org/\u00a0",
	"http://example.org/\u200b",
	"http://example.org/\u202egpj",
	"http://example.org/\u2028",
	"http://exam\u2060ple.org/",
	"http://example.org/\u3000",
	"\ufeffhttp://example.org/",
	"http://%20/",
	"http://%00.example.org/",
	"http://evil.example%2Fexample.org/",
	"http://example.org/%",
	"http://example.org/%4",
	"http://example.org/%zz",
	"http://example.org/<b>",
	"http://example.org/\"x",
	"http://example.org/{x}",
	"http://example.org/?a[]=1",
	"http://example.org/a|b",
	"http://example.org/^",
	"http://example.org/`",
	"http://example.org:65536",
	"http://example.org:99999999999999999999",
	"http://example.org:-1",
	"http://example.org:http",
	"http://[::1",
	"http://[::g]/",
	"http://::1/",
};

static void a_site_is_an_absolute_http_address_with_a_host(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sites); i++)
		if (!url_is_web(sites[i]))
			fail_msg("refused: \"%s\"", sites[i]);
}

static void whatever_else_looks_like_a_link_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(no_sites); i++)
		if (url_is_web(no_sites[i]))
			fail_msg("let through: \"%s\"", no_sites[i]);
}

/* "http://h/" and as much of `fill` as makes `len` bytes. */
static bool long_site(size_t len, const char *fill)
{
	char text[4096] = "http://h/";
	size_t step = strlen(fill);
	size_t at = strlen(text);

	for (; at + step <= len; at += step)
		memcpy(text + at, fill, step);
	for (; at < len; at++)
		text[at] = 'x';
	text[at] = '\0';
	return url_is_web(text);
}

static void a_site_has_at_most_2048_bytes_of_any_script(void **state)
{
	(void)state;
	assert_true(long_site(2048, "a"));
	assert_false(long_site(2049, "a"));
	assert_true(long_site(2048, "\u4e2d"));
	assert_false(long_site(2049, "\u4e2d"));
	assert_true(long_site(2048, "\U0001f600"));
}

static const char *const people[] = {
	"a@b", "ann@example.org", "Ann.Lee+cards@Sub-1.Example.ORG", "o'brien@example.org",
	"{ann}!#$%&*/=?^_`|~@example.org", "ann@localhost", "ann@127.0.0.1",
	"\u00e5nn@m\u00fcller.example", "\u7528\u6237@\u4f8b\u5b50.\u6d4b\u8bd5",
	"ann.@example.org", /* some mail services gave such out */
};

static const char *const no_people[] = {
	"",
	"@",
	"ann",
	"ann@",
	"@example.org",
	"ann@lee@example.org",
	"ann@@example.org",
	"ann lee@example.org",
	" ann@example.org",
	"ann@example.org ",
	"ann@exam ple.org",
	"ann@example.org\n",
	"ann\r\nBcc: x@example.org",
	"ann\x01@example.org",
	"ann@example.org\x7f",
	"ann@example\u00a0.org",
	"ann\u200b@example.org",
	"ann@.example.org",
	"ann@example..org",
	"ann@example.org.",
	"ann@.",
	"<ann@example.org>",
	"ann@example.org,",
	"\"ann\"@example.org",
	"ann(comment)@example.org",
	"ann;lee@example.org",
	"mailto:ann@example.org",
	"ann@[127.0.0.1]",
	"ann\\@example.org",
};

static void an_email_is_one_at_between_a_name_and_a_domain(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(people); i++)
		if (!url_is_email(people[i]))
			fail_msg("refused: \"%s\"", people[i]);
	for (size_t i = 0; i < ARRAY_LEN(no_people); i++)
		if (url_is_email(no_people[i]))
			fail_msg("let through: \"%s\"", no_people[i]);
}

static bool long_email(size_t local, size_t domain)
{
	char text[512];

	memset(text, 'a', sizeof(text));
	text[local] = '@';
	text[local + 1 + domain] = '\0';
	return url_is_email(text);
}

static void an_email_has_at_most_64_bytes_before_and_254_in_all(void **state)
{
	(void)state;
	assert_true(long_email(64, 189));
	assert_false(long_email(64, 190));
	assert_false(long_email(65, 10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_site_is_an_absolute_http_address_with_a_host),
		cmocka_unit_test(whatever_else_looks_like_a_link_is_refused),
		cmocka_unit_test(a_site_has_at_most_2048_bytes_of_any_script),
		cmocka_unit_test(an_email_is_one_at_between_a_name_and_a_domain),
		cmocka_unit_test(an_email_has_at_most_64_bytes_before_and_254_in_all),
	};

	return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
