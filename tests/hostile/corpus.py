"""The attacks, by name. Each is what a log line, a label, a playlist or an error page can really hold."""

from __future__ import annotations

PAYLOAD = "cm0gLXJmIH4K"  # what an attacker would like to see in the clipboard
_BEL, _ST, _C1_ST = "\x07", "\x1b\\", "\x9c"

CORPUS: dict[str, str] = {
    # CSI
    "csi clears the screen": "\x1b[2J\x1b[Howned",
    "csi moves the cursor": "\x1b[1;1Hall is well",
    "csi hides the text that follows": "\x1b[8mhidden\x1b[28m",
    "csi asks the terminal to answer": "\x1b[6n\x1b[c\x1b[5n\x1b[21t",
    "csi leaves the alternate screen": "\x1b[?1049l\x1b[?25h",
    "csi ends a bracketed paste": "\x1b[201~\ny\n",
    "csi unterminated": "\x1b[38;5;",
    "csi of many parameters": "\x1b[" + "1;" * 200 + "m",
    # OSC
    "osc 0 sets the title": f"\x1b]0;owned{_BEL}",
    "osc 2 sets the title, ended by ST": f"\x1b]2;owned{_ST}",
    "osc 8 makes a link": f"\x1b]8;;http://evil.test/{_ST}runbook\x1b]8;;{_ST}",
    "osc 52 sets the clipboard": f"\x1b]52;c;{PAYLOAD}{_BEL}",
    "osc 52 reads the clipboard": f"\x1b]52;c;?{_ST}",
    "osc 9 notifies": f"\x1b]9;owned{_BEL}",
    "osc unterminated": f"\x1b]52;c;{PAYLOAD}",
    # the other strings
    "dcs asks for a setting": f"\x1bP$qm{_ST}",
    "dcs sixel": f"\x1bPq#0;2;0;0;0~~{_ST}",
    "apc kitty graphics": f"\x1b_Ga=T,f=24;AAAA{_ST}",
    "pm": f"\x1b^owned{_ST}",
    "sos": f"\x1bXowned{_ST}",
    "screen's title": f"\x1bkowned{_ST}",
    "dcs unterminated": "\x1bP+q544e",
    # 8-bit C1
    "c1 csi": "\x9b2J\x9b1;1H",
    "c1 osc": f"\x9d52;c;{PAYLOAD}{_C1_ST}",
    "c1 dcs": f"\x90$qm{_C1_ST}",
    "c1 apc": f"\x9fGa=T;AAAA{_C1_ST}",
    "c1 next line": "one\x85two\x84three",
    # two-byte sequences and plain controls
    "esc resets the terminal": "\x1bc",
    "esc another character set": "\x1b(0lqk\x0f\x0e",
    "esc alone, at the end": "at the end\x1b",
    "c0": "".join(map(chr, range(0x20))) + "\x7f",
    "carriage return paints over": "CRIT is what it was\rOK",
    "backspaces paint over": "CRIT" + "\b" * 4 + "FINE",
    "line feeds": "one\ntwo\r\nthree\x0bfour\x0cfive",
    "tabs": "\t" * 40 + "far",
    # split over two lines, cells or chunks of a stream: each half is innocent of what the other does
    "split, the first half": "\x1b]52;c",
    "split, the second half": f";{PAYLOAD}{_BEL}",
    "split inside the csi": "\x1b[",
    "split, the csi's end": "2J",
    # what Unicode does
    "bidi override": "user\u202egnissim si nigol\u202c",
    "bidi isolates": "\u2067a\u2066b\u2069\u2068c\u2069",
    "bidi marks": "a\u200eb\u200fc\u061cd",
    "zero-width": "pa\u200bck\u200cag\u200der\u2060-\ufeffemea",
    "invisible letters": "a\u3164\u115f\u1160\uffa0b\u034fc\u00add\u180ee",
    "variation selectors": "♥\ufe0f\ufe0e\U000e0100",
    "joined emoji": "👩\u200d👩\u200d👧\u200d👦 👍\U0001f3fd",
    "tag characters": "a" + "".join(chr(0xE0000 + ord(c)) for c in "owned") + "\U000e007f",
    "line and paragraph separators": "a\u2028b\u2029c",
    "interlinear annotation": "a\ufff9b\ufffac\ufffbd",
    "noncharacters": "a\ufffe\uffffb",
    "combining flood": "Z" + "\u0334\u0320\u0301\u0489" * 50 + "algo",
    "combining flood without a base": "\u0301" * 120,
    "combining flood on wide letters": "日" + "\u0323" * 60 + "本",
    "wide letters": "日本語の長い名前" * 12,
    "confusables": "раckаger-еmeа ΟΚ １２３",
    # what Rich, Textual, HTML, XML, JSON and a spreadsheet read into text
    "rich markup": "[bold red on white blink]owned[/] [link=http://evil.test]x[/link]",
    "rich markup that does not close": "[/bold] [/] \\[/x] [@click=app.quit]go[/] [",
    "rich emoji code": ":skull: :warning:",
    "html": '</text></pre><script>alert(1)</script><img src=x onerror="x">&amp;&#27;',
    "xml": "]]><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>&e;",
    "json": '"},{"severity":"OK"},{"\\u001b]0;x\\u0007',
    "format strings": "%s%n{0}{__class__}${HOME}$(id)`id`",
    "very long": "x" * 20_000,
}  # fmt: skip
SURROGATES = {"lone surrogate": "a\ud800b\udfffc"}  # cannot come out of UTF-8 or a JSON decoder, but out of `errors=surrogateescape`
EVERYTHING = {**CORPUS, **SURROGATES}
SPLIT = (("split, the first half", "split, the second half"), ("split inside the csi", "split, the csi's end"))
