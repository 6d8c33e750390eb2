"""URLs for the comparison with httpx: common authorities with common and odd tails, and single oddities.

After the WHATWG URL standard's test data in spirit: whatever has made parsers disagree. No test lives here.
"""

from __future__ import annotations

# Each is followed by each of TAILS.
AUTHORITIES = """
http://example.com http://EXAMPLE.com https://example.com:443 https://example.com:80 http://example.com:80
http://example.com:8080 http://example.com: http://127.0.0.1:8000 http://[::1] https://[::1]:8443
http://[2001:DB8::1] http://user@example.com http://user:pass@example.com http://user:@example.com
http://:pass@example.com http://us%65r:p%40ss@example.com http://a@b@example.com http://ü:é@example.com
http://bücher.example http://中国.icom.museum http://xn--bcher-kva.example http://www.bücher.example
http://exa_mple.com http://ex%41mple.com http://ex~am!ple.com http://example.com. ws://example.com:80
wss://example.com:443 ftp://example.com:21 custom://example.com:80 http://localhost http://1.2.3
http://1.2.3.4.5 http://a http:// // //example.com //example.com:80 //user:pw@[::1]:99
http://[fe80::1%eth0] http://[::ffff:192.168.0.1]
"""

TAILS = [
    *("", "/", "/a/b?c=d#e", "/a%20b/\xe9?q=\xfc&x=%zz#\u2603", "/./a/../b/.", "?", "#", "/a?b?c#d#e"),
    '/"<>`{}|^[]\\?"<>`{}|^[]\\',
]

# Without a blank, so that they can be listed as they are.
PLAIN_ODDITIES = """
a / /a ./a ../a ?a=b #a a:b :a ::a // /// ////a /:a a//b http: http:a http:/a http:///a http:////a
http://///a HTTP:a h+t-t.p://a 1http://a mailto:someone@example.com data:text/plain,hi javascript:void(0)
urn:isbn:123 file:///etc/hosts about:blank tel:+1-816-555-1212 http://?a http://#a http://@ http://@/a
http://:@a http://: http://:8080 http://a:0 http://a:65535 http://a:00080 http://a:080 http://a:x
http://a:8x http://a:80:80 http://a%20b http://a<b> http://a|b http://a{}b http://a^b http://a`b
http://a[b http://a]b http://[ http://[] http://[]:80 http://[::1 http://::1 http://::1] http://[::1]a
http://[::1]: http://[::1]:a http://[::1]80 http://[1.2.3.4] http://[g::1] http://[::1.2.3.4]
http://[::1]@a http://[::1%25eth0] http://256.1.1.1 http://1.2.3.04 http://01.2.3.4 http://0.0.0.0
http://255.255.255.255 http://1.2.3.999:80/ http://0x7f.1 http://2130706433 http://1.2.3.4a
http://a.1.2.3.4 http://ex。ample http://☃.net http://faß.de http://fass.de http://İ.com http://é..com
http://-a.com http://é-.com http://xn-- http://xn--a http://xn--a.xn--b http://a.xn--bcher-kva
http://１２７.0.0.1 http://a:８０ http://a/% http://a/%4 http://a/%4g http://a/%e9 http://a/%E9%C3%A9
http://a/%00 http://a?% http://a/.. http://a/. http://a/../.. http://a/b/.. http://a/b/../ http://a//..//b
http://a/... http://a/.b http://a/b. http://a/%2e%2e/b a/../b ../../a http:a/../b /a/./b //a/./b
http://a/b;c=d http://a/b,c http://a/@b http://a/b:c http://a/b//c http://a/* http://a/~b http://a?b=c&d
http://a?b=c;d http://a?b+c http://a?b=%2B http://a?&& http://a?= http://a?b=é http://a#b?c http://a#b%20c
http://a#é http://a#` http://a?# http://u;v=w:x/y@a http://u%@a http://u:p:q@a http://u:p@ http://u@:80
http://[u]:^|@a
"""

# With blanks, control characters, quotes, or characters that cannot be seen.
OTHER_ODDITIES = [
    *("", " ", "http://a b", 'http://a"b', "http://a\\b", "http://\u0301a", "http://a\u200db"),
    *("http://a\xad", "http://a/\x85", "http://a\n", "\thttp://a", "http://a/\r\nX: y", "http://a/\x00"),
    *("http://a/\x7f", "http://a b/c d?e f#g h", "http://u p:q r@a", "\\\\a\\b", "http:\\\\a"),
]

URLS = list(
    dict.fromkeys(
        [authority + tail for authority in AUTHORITIES.split() for tail in TAILS]
        + PLAIN_ODDITIES.split()
        + OTHER_ODDITIES
    )
)

# What random URLs are put together from, with some blanks.
TOKENS = """
http https ftp : // / @ ? # a B example.com 127.0.0.1 256.1.1.1 [::1] [ ] ::1 . .. % %41 %zz é
bücher.example xn--bcher-kva ☃ | ^ ` { } < > ' 80 443 ; = & ~ _ :8000 user:pa ss@ +
"""
