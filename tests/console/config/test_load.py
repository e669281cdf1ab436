"""config.toml and the environment become one Config, or one list of everything that is wrong."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from console.config.errors import ConfigError
from console.config.load import MAX_BYTES, load
from console.config.site import Guard

PROM = '[sites.apac.prometheus]\nurl = "https://prom.example:9090"\n'


def backend(*lines: str) -> str:
    return PROM + "\n".join(lines)


CONTRACT = """
default_site = "apac"
policy_file  = "policy.toml"
[sites.apac]
guard = "prod"
[sites.apac.prometheus]
url  = "https://prom.example:9090"
read = { bearer_file = "secret" }
[sites.apac.alertmanager]
urls = ["https://am-0.example:9093", "https://am-1.example:9093"]
[sites.apac.elasticsearch]
url   = "https://es.example:9200"
index = "logs-video-*"
read  = { api_key_file = "secret" }
[sites.apac.kubernetes.apac-1]
context = "apac-1"
namespaces = ["live", "vod"]
[sites.apac.channels]
files = ["channels.json"]
[[sites.apac.gauges]]
name = "egress lhr"
used = 'sum(rate(edge_bytes_total{pop="lhr"}[1m]))*8'
total = 'edge_capacity_bps{pop="lhr"}'
unit = "bit/s"
warn = 0.80
crit = 0.92
[scope.region]
prometheus = "dc"
"""


def test_the_example_of_the_contract_loads_with_files_taken_from_its_directory(loaded, secret_file, tmp_path) -> None:
    config = loaded(CONTRACT)
    name, site = config.choose()
    assert (name, site.guard) == ("apac", Guard.PROD)
    assert config.policy_file == str(tmp_path / "policy.toml")
    assert site.prometheus.read.bearer_file == str(secret_file)
    assert site.alertmanager.all_urls == ("https://am-0.example:9093", "https://am-1.example:9093")
    assert site.kubernetes["apac-1"].namespaces == ("live", "vod")
    assert site.channels.files == (str(tmp_path / "channels.json"),)
    assert site.gauges[0].crit == 0.92
    assert site.measures.viewers == "sum by (channel) (channel_viewers)"


def test_a_scope_name_replaces_one_language_and_leaves_the_other_two(loaded) -> None:
    scope = loaded(PROM + '[scope.region]\nprometheus = "dc"\n').scope
    assert scope.region.prometheus == "dc"
    assert scope.region.elasticsearch == "cloud.region"
    assert scope.of("region").kubernetes == "topology.kubernetes.io/region"
    assert scope.pod.kubernetes == "metadata.name"
    assert scope.of("rendition").prometheus == ""


def test_all_problems_of_a_file_are_told_at_once_in_the_order_of_its_lines(told) -> None:
    problems = told(
        'defalt_site = "apac"\n'
        "[sites.apac]\n"
        'guard = "prd"\n'
        "[sites.apac.promtheus]\n"
        "[[sites.apac.gauges]]\n"
        'name = "a"\n'
        "warm = 0.5\n"
        "[sites.apac.prometheus]\n"
        'url = "https://p"\n'
        'timeout_s = "10"\n'
        "[scope.regoin]\n"
    )
    assert problems == [
        "config.toml:1: defalt_site: unknown key; did you mean `default_site`?",
        "config.toml:3: sites.apac.guard: must be one of none, prod, not `prd`; did you mean `prod`?",
        "config.toml:4: sites.apac.promtheus: unknown key; did you mean `prometheus`?",
        "config.toml:5: sites.apac.gauges[0].used: is missing and has no default",
        "config.toml:7: sites.apac.gauges[0].warm: unknown key; did you mean `warn`?",
        "config.toml:10: sites.apac.prometheus.timeout_s: must be a number, not a string",
        "config.toml:11: scope.regoin: unknown key; did you mean `region`?",
    ]


PROM_A = '[sites.a.prometheus]\nurl = "http://p:9090"\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "config.toml: sites: is missing and has no default"),
        ("sites = {}", "config.toml:1: sites: there is no site; add a table [sites.NAME]"),
        ('default_site = "apak"\n' + PROM, "config.toml:1: default_site: there is no site `apak` (there are: apac); "
                                           "did you mean `apac`?"),
        ("[sites.a.prometheus]\n", "config.toml:1: sites.a.prometheus: the address is missing: give one of url, urls"),
        (backend('urls = ["http://a"]'), "config.toml:3: sites.apac.prometheus.urls: the address is given twice: "
                                         "`url` is there already; keep one"),
        (backend("timeout_s = 0"), "config.toml:3: sites.apac.prometheus.timeout_s: must be more than 0, not 0"),
        (backend("timeout_s = inf"), "config.toml:3: sites.apac.prometheus.timeout_s: must be a finite number, not inf"),
        (backend("timeout_s = true"), "config.toml:3: sites.apac.prometheus.timeout_s: must be a number, not a boolean"),
        (backend("headers = { a = 1 }"), "config.toml:3: sites.apac.prometheus.headers.a: must be a string, not an integer"),
        (backend("read = {}"), "config.toml:3: sites.apac.prometheus.read: the credential is missing: give one of "
                               "bearer_file, bearer_env, bearer_command, command, basic, header, api_key_file, "
                               "api_key_env, api_key_command, client_cert"),
        (backend('read = { bearer_env = "A", api_key_env = "B" }'),
         "config.toml:3: sites.apac.prometheus.read.api_key_env: the credential is given twice: `bearer_env` is there "
         "already; keep one"),
        (backend("read = { bearer_command = [] }"),
         "config.toml:3: sites.apac.prometheus.read.bearer_command: must name a program"),
        (backend('read = { basic = { user = "u" } }'),
         "config.toml:3: sites.apac.prometheus.read.basic: the password is missing: give one of password_file, "
         "password_env, password_command"),
        ('[sites.a.kubernetes."c 1"]\n',
         "config.toml:1: sites.a.kubernetes.\"c 1\": the cluster's address is missing: give one of context, kubeconfig, "
         "url, urls"),
        ('[sites.a.kubernetes.c]\ncontext = "c"\nread = { bearer_env = "X" }\n',
         "config.toml:3: sites.a.kubernetes.c.read: has no effect beside `context`, which brings its own; use url, or "
         "leave it out"),
        ('[[sites.a.gauges]]\nname = "g"\nused = "u"\nwarn = 0.95\n',
         "config.toml:4: sites.a.gauges[0].warn: 0.95 is above crit 0.92; warn comes first"),
        ('[[sites.a.gauges]]\nname = "g"\nused = "u"\n[[sites.a.gauges]]\nname = "g"\nused = "v"\n',
         "config.toml:5: sites.a.gauges[1].name: is a duplicate: another gauge is named `g` too"),
        (PROM_A + '[[sites.a.figures]]\nname = "f"\nquery = "q"\nwarn = 0.8\n',
         "config.toml:6: sites.a.figures[0].warn: has no meaning without `better`: say \"higher\" or \"lower\""),
        (PROM_A + '[[sites.a.figures]]\nname = "f"\nquery = "q"\nbetter = "higher"\nwarn = 1.2\n',
         "config.toml:7: sites.a.figures[0].warn: 1.2 would be raised at last week's own value: with better higher it is below 1"),
        (PROM_A + '[[sites.a.figures]]\nname = "f"\nquery = "q"\nbetter = "lower"\nwarn = 3\ncrit = 2\n',
         "config.toml:7: sites.a.figures[0].warn: 3 is beyond crit 2; warn comes first"),
        (PROM_A + '[[sites.a.figures]]\nname = "f"\nquery = "q"\nbetter = "higher"\nwarn = 0.5\ncrit = 0.8\n',
         "config.toml:7: sites.a.figures[0].warn: 0.5 is beyond crit 0.8; warn comes first"),
        (PROM_A + '[[sites.a.figures]]\nname = "f"\nquery = "q"\nbetter = "more"\n',
         "config.toml:6: sites.a.figures[0].better: must be one of higher, lower, neither, not `more`"),
        ('[[sites.a.figures]]\nname = "f"\nquery = "q"\n',
         "config.toml:1: sites.a.figures: are asked of [sites.NAME.prometheus], which is missing"),
        ('[[sites.a.channels.inline]]\nname = "c"\nvantages = [{ name = "o", layer = "orgin", url = "http://o" }]\n',
         "config.toml:3: sites.a.channels.inline[0].vantages[0].layer: must be one of ingest, transcode, package, origin, "
         "edge, drm, schedule, probe, source, not `orgin`; did you mean `origin`?"),
    ],
)  # fmt: skip
def test_one_mistake_makes_one_problem_that_names_place_and_cure(told, text: str, problem: str) -> None:
    assert told(text) == [problem]


@pytest.mark.parametrize("url", ["ftp://h", "h:9090", "https://", "http://h:0", "http://h:99999", "http://a b", "http://[::1"])
def test_an_address_that_cannot_be_one_is_refused(told, url: str) -> None:
    (problem,) = told(f'[sites.a.prometheus]\nurl = "{url}"\n')
    assert problem.startswith("config.toml:2: sites.a.prometheus.url: ")


@pytest.mark.parametrize(
    "text",
    [
        backend('read = { token = "hunter2" }'),
        backend('token = "hunter2"'),
        backend('password = "hunter2"'),
        backend('read = { bearer = "hunter2" }'),
        backend('read = { basic = { user = "u", password = "hunter2" } }'),
        backend('read = { header = { name = "X-A", value = "hunter2" } }'),
        backend('headers = { authorization = "Bearer hunter2" }'),
        '[sites.a.prometheus]\nurl = "https://u:hunter2@prom"\n',
        '[sites.a.prometheus]\nurls = ["u:hunter2@prom", "u:hunter2@prom"]\n',
        '[sites.a.prometheus]\nurl = "https://prom:hunter2"\n',
    ],
)
def test_a_secret_written_down_is_refused_and_not_repeated(told, text: str) -> None:
    problems = told(text)
    assert problems
    assert "hunter2" not in "\n".join(problems)


def test_the_refusal_of_a_secret_says_where_it_belongs(told) -> None:
    (problem, _missing) = told(backend('read = { basic = { user = "u", password = "hunter2" } }'))
    assert problem.endswith("say where it is: password_file, password_env, password_command")
    (problem,) = told(backend('token = "hunter2"'))
    assert problem.endswith("say where it is: read = { bearer_file = ... }")


def test_a_secret_file_that_everyone_can_read_is_refused_with_its_mode(told, loaded, secret_file) -> None:
    text = backend('read = { bearer_file = "secret" }')
    secret_file.chmod(0o644)
    (problem,) = told(text)
    assert "config.toml:3: sites.apac.prometheus.read.bearer_file" in problem
    assert "mode 0644" in problem
    secret_file.chmod(0o640)
    assert loaded(text).sites["apac"].prometheus.read.bearer_file == str(secret_file)


def test_a_secret_file_that_is_missing_or_no_file_is_refused(told, tmp_path) -> None:
    (missing,) = told(backend('read = { bearer_file = "nowhere" }'))
    assert "No such file" in missing
    (tmp_path / "place").mkdir()
    (directory,) = told(backend('ca_file = "place"'))
    assert "is not a regular file" in directory


def test_a_secret_is_not_read_while_loading(loaded, secret_file) -> None:
    before = secret_file.stat().st_atime_ns
    config = loaded(backend('read = { bearer_file = "secret" }'))
    assert secret_file.stat().st_atime_ns == before
    assert "hunter2" not in repr(config)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[a]\nb = 1\nb = 2\n", "config.toml:3: a.b: is a duplicate: it stands on line 2 already"),
        ("[sites.a]\n\n[sites.a]\n", "config.toml:3: sites.a: is a duplicate: it stands on line 1 already"),
        ("a = 1\nb = \n", "config.toml:2: no TOML: invalid value"),
        ("a = 1\n[b\n", "config.toml:2: no TOML: expected ']' at the end of a table declaration"),
        ("a = " + "[" * 5000, "config.toml: is nested too deeply"),
    ],
)
def test_what_is_no_toml_is_told_with_its_line(told, text: str, problem: str) -> None:
    assert told(text) == [problem]


def test_a_file_that_is_no_text_or_too_large_or_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "c"
    for content, word in ((b"a = 1\nb = '\xff'\n", ":2: is not UTF-8"), (b"#" * (MAX_BYTES + 1), "is larger than")):
        path.write_bytes(content)
        with pytest.raises(ConfigError, match=word):
            load(path, {})
    with pytest.raises(ConfigError, match="cannot read it: No such file"):
        load(tmp_path / "nowhere", {})


def test_a_value_that_would_command_the_terminal_is_escaped_when_it_is_repeated(told) -> None:
    (problem,) = told('[sites.a]\nguard = "\\u001b]52;c;x\\u0007"\n')
    assert problem.isprintable()


def test_windows_line_ends_and_a_byte_order_mark_do_not_move_the_lines(tmp_path: Path) -> None:
    path = tmp_path / "c"
    path.write_bytes(b"\xef\xbb\xbf[sites.a]\r\n\r\nguard = 'x'\r\n")
    with pytest.raises(ConfigError, match=r"c:3: sites\.a\.guard"):
        load(path, {})


def test_the_environment_wins_over_the_file_and_finds_names_that_variables_cannot_spell(loaded) -> None:
    text = '[sites.apac-1.prometheus]\nurls = ["http://file"]\ntimeout_s = 5\n[sites.apac-1.kubernetes.K-1]\ncontext = "k"\n'
    config = loaded(
        text,
        MIDWATCH_SITES__APAC_1__PROMETHEUS__URL="http://variable",
        MIDWATCH_SITES__APAC_1__PROMETHEUS__TIMEOUT_S="7.5",
        MIDWATCH_SITES__APAC_1__KUBERNETES__K_1__NAMESPACES="live, vod",
        MIDWATCH_SITES__APAC_1__PROMETHEUS__READ='{ bearer_env = "T" }',
        MIDWATCH_DEFAULT_SITE="apac-1",
    )
    site = config.sites["apac-1"]
    assert site.prometheus.all_urls == ("http://variable",)
    assert site.prometheus.timeout_s == 7.5
    assert site.prometheus.read.bearer_env == "T"
    assert site.kubernetes["K-1"].namespaces == ("live", "vod")
    assert config.default_site == "apac-1"


def test_a_site_may_come_from_the_environment_alone(loaded) -> None:
    assert loaded("", MIDWATCH_SITES__EMEA__PROMETHEUS__URL="http://p").choose()[0] == "emea"


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("MIDWATCH_DEFALT_SITE", "x", "unknown setting; did you mean `MIDWATCH_DEFAULT_SITE`?"),
        ("MIDWATCH_SITES__APAC__PROMETHEUS__ULR", "x",
         "unknown setting; did you mean `MIDWATCH_SITES__APAC__PROMETHEUS__URL`?"),
        ("MIDWATCH_SITES__APAC__PROMETHEUS__TIMEOUT_S", "soon",
         'must be written as a value in TOML is: 10, true, ["a", "b"], { key = "value" }'),
        ("MIDWATCH_SITES__APAC__PROMETHEUS__TIMEOUT_S", "-1", "must be more than 0, not -1"),
        ("MIDWATCH_SITES__APAC__GUARD", "prd", "must be one of none, prod, not `prd`; did you mean `prod`?"),
        ("MIDWATCH_THEME__DARK", "1", "`THEME` is a value and has no settings below it"),
    ],
)  # fmt: skip
def test_a_variable_that_is_wrong_is_named_as_the_variable(told, name: str, value: str, problem: str) -> None:
    assert told(PROM, **{name: value}) == [f"environment: {name}: {problem}"]


def test_variables_of_a_kubernetes_service_called_midwatch_are_not_settings(loaded) -> None:
    loaded(PROM, MIDWATCH_SERVICE_HOST="10.0.0.1", MIDWATCH_PORT="tcp://10.0.0.1:80", MIDWATCH_PORT_80_TCP_ADDR="10.0.0.1")


def test_the_site_is_the_flag_or_the_default_or_the_only_one(loaded) -> None:
    two = PROM + '[sites.emea.prometheus]\nurl = "http://p"\n'
    assert loaded(PROM).choose()[0] == "apac"
    assert loaded('default_site = "emea"\n' + two).choose()[0] == "emea"
    assert loaded('default_site = "emea"\n' + two).choose("apac")[0] == "apac"
    with pytest.raises(ValueError, match="which site"):
        loaded(two).choose()
    with pytest.raises(ValueError, match="did you mean `emea`"):
        loaded(two).choose("emae")


def test_a_configuration_cannot_be_changed_once_loaded(loaded) -> None:
    with pytest.raises(AttributeError):
        loaded(PROM).theme = "x"
    assert isinstance(loaded(PROM), msgspec.Struct)
