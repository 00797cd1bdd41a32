"""Settings: a missing or malformed one is one line that names it and gives an example."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.logs import redact
from bot.settings import NAMES, SettingsError, load_settings, secrets_set

TOKEN = "123456789:AAEexample-of-a-token-that-is-long-enough"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def load_with(monkeypatch: pytest.MonkeyPatch, **environment: str) -> object:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def test_the_defaults_are_telegram_live_data_and_a_file_in_data() -> None:
    settings = load_settings()
    assert settings.uses_telegram
    assert settings.market_data == "live"
    assert settings.database_url == "sqlite+aiosqlite:///data/cascade.db"
    assert settings.operator_ids == ()


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    load_with(monkeypatch, TELEGRAM_BOT_TOKEN=TOKEN, OPERATOR_IDS="12, 34", MARKET_DATA="simulated")
    settings = load_settings()
    assert settings.token == TOKEN
    assert settings.operator_ids == (12, 34)
    assert settings.market_data == "simulated"


def test_settings_come_from_a_file_named_env(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"TELEGRAM_BOT_TOKEN={TOKEN}\nUNRELATED=1\n")
    assert load_settings().token == TOKEN


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MARKET_DATA=simulated\n")
    monkeypatch.setenv("MARKET_DATA", "live")
    assert load_settings().market_data == "live"


def test_an_empty_setting_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MARKET_DATA=simulated\nWEBHOOK_LISTEN=\n")
    load_with(monkeypatch, OPERATOR_IDS="", TELEGRAM_API_URL="", MARKET_DATA="")
    assert load_settings().market_data == "simulated"
    assert load_settings().uses_telegram


def test_a_missing_token_is_named_when_it_is_needed() -> None:
    with pytest.raises(SettingsError, match="TELEGRAM_BOT_TOKEN is missing; for example TELEGRAM_BOT_TOKEN="):
        _ = load_settings().token


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("TELEGRAM_BOT_TOKEN", "hello", "TELEGRAM_BOT_TOKEN is not a bot token"),
        ("TELEGRAM_BOT_TOKEN", "123456:", "TELEGRAM_BOT_TOKEN is not a bot token"),
        ("TELEGRAM_BOT_TOKEN", "bot:AAE", "TELEGRAM_BOT_TOKEN is not a bot token"),
        ("TELEGRAM_API_URL", "telegram", "TELEGRAM_API_URL is not a web address"),
        ("DATABASE_URL", "mysql://db", "DATABASE_URL has the driver 'mysql'"),
        ("DATABASE_URL", "somewhere", "DATABASE_URL cannot be read"),
        ("TELEGRAM_API_URL", "http://a:99999", "TELEGRAM_API_URL is not a web address"),
        ("TELEGRAM_API_URL", "http://a b", "TELEGRAM_API_URL is not a web address"),
        ("WEBHOOK_URL", "bot.example.org", "WEBHOOK_URL is not a web address"),
        ("WEBHOOK_SECRET", "short", "WEBHOOK_SECRET is not 16 to 256 of the characters"),
        ("MESSAGES_PER_SECOND", "many", "MESSAGES_PER_SECOND is 'many', expected a whole number from 1 to 1000"),
        ("MESSAGES_PER_SECOND", "0", "MESSAGES_PER_SECOND is '0', expected a whole number from 1 to 1000"),
        ("CHAT_MESSAGES_PER_SECOND", "31", "CHAT_MESSAGES_PER_SECOND is '31', expected a whole number from 1 to 30"),
        ("GROUP_MESSAGES_PER_MINUTE", "1.5", "GROUP_MESSAGES_PER_MINUTE is '1.5', expected a whole number from 1"),
        ("PAID_BROADCAST", "maybe", "PAID_BROADCAST is 'maybe', expected true or false"),
        ("OPERATOR_IDS", "--5", "OPERATOR_IDS has '--5', which is not a number"),
        ("OPERATOR_IDS", "me", "OPERATOR_IDS has 'me', which is not a number"),
        ("OPERATOR_IDS", "12,,34", "OPERATOR_IDS has '', which is not a number"),
        ("WEBHOOK_URL", "http://bot.example.org", "WEBHOOK_URL is not https"),
        ("WEBHOOK_URL", "https://bot.example.org/?key=1", "WEBHOOK_URL ends in a query or a fragment"),
        ("WEBHOOK_LISTEN", "8080", "WEBHOOK_LISTEN is '8080', expected an address and a port"),
        ("MARKET_DATA", "bloomberg", "MARKET_DATA is 'bloomberg'"),
        (
            "MARKET_DATA",
            "folder:/nowhere/at/all",
            "MARKET_DATA names the folder '/nowhere/at/all', which does not exist",
        ),
    ],
)
def test_a_malformed_setting_is_one_line_with_an_example(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    text = str(raised.value)
    assert text.startswith(sentence)
    assert f"for example {name}=" in text
    assert "\n" not in text


@pytest.mark.parametrize("name", ["TELEGRAM_API_URL", "WEBHOOK_URL"])
def test_a_malformed_address_is_not_repeated_for_it_may_hold_a_secret(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "ftp://me:sesame@host")
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert "sesame" not in str(raised.value)


def test_a_web_hook_needs_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="WEBHOOK_SECRET is missing, and WEBHOOK_URL needs it; for example"):
        load_with(monkeypatch, WEBHOOK_URL="https://bot.example.org")


def test_more_than_telegram_allows_for_free_needs_a_paid_broadcast_or_a_server_of_ones_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(SettingsError, match="MESSAGES_PER_SECOND is 31, and Telegram allows 30 for free; for example"):
        load_with(monkeypatch, MESSAGES_PER_SECOND=" 31 ")
    load_with(monkeypatch, TELEGRAM_API_URL="http://127.0.0.1:8081")
    assert load_settings().limits.per_second == 31
    load_with(monkeypatch, TELEGRAM_API_URL="https://API.telegram.org", PAID_BROADCAST="Yes")
    assert load_settings().paid_broadcast


def test_a_default_of_the_command_line_yields_to_whatever_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "sqlite+aiosqlite:///replay.db"
    assert load_settings(unless_set={"database_url": url}).database_url == url
    monkeypatch.setenv("DATABASE_URL", "sqlite+aiosqlite:///data/cascade.db")
    assert load_settings(unless_set={"database_url": url}).database_url == "sqlite+aiosqlite:///data/cascade.db"


def test_a_malformed_token_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "secret but malformed")
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert "secret" not in str(raised.value)


class TestFiles:
    def test_a_secret_may_come_from_a_file_whose_last_line_end_is_none_of_it(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "token").write_text(f"{TOKEN}\n")
        load_with(monkeypatch, TELEGRAM_BOT_TOKEN_FILE=str(tmp_path / "token"))
        assert load_settings().token == TOKEN

    @pytest.mark.parametrize(
        "name", ["TELEGRAM_BOT_TOKEN", "DATABASE_URL", "FRED_API_KEY", "TIINGO_TOKEN", "WEBHOOK_SECRET"]
    )
    def test_every_secret_may(self, name: str) -> None:
        assert f"{name}_FILE" in NAMES

    def test_what_is_no_secret_stands_in_the_environment_alone(self) -> None:
        assert not {"OPERATOR_IDS_FILE", "MARKET_DATA_FILE"} & NAMES

    def test_the_same_in_both_is_refused_for_nobody_could_tell_which_holds(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "key").write_text("of-fred")
        with pytest.raises(SettingsError, match="FRED_API_KEY and FRED_API_KEY_FILE are both set: keep one of them"):
            load_with(monkeypatch, FRED_API_KEY="other", FRED_API_KEY_FILE=str(tmp_path / "key"))

    def test_a_file_of_the_environment_wins_over_a_line_in_env(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / ".env").write_text("FRED_API_KEY=of-a-line\n")
        (tmp_path / "key").write_text("of-a-file")
        load_with(monkeypatch, FRED_API_KEY_FILE="key")
        assert load_settings().fred_api_key == "of-a-file"

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (None, "cannot be read (No such file or directory)"),
            (b"\xff\xfe", "cannot be read (it is no text)"),
            (b" \n", "is empty"),
            (b"x" * 5000, "is too long"),
        ],
    )
    def test_a_file_that_holds_no_secret_is_one_line(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, why: str
    ) -> None:
        if content is not None:
            (tmp_path / "key").write_bytes(content)
        with pytest.raises(SettingsError) as raised:
            load_with(monkeypatch, TIINGO_TOKEN_FILE="key")
        example = "for example TIINGO_TOKEN_FILE=/run/secrets/tiingo_token"
        assert str(raised.value) == f"TIINGO_TOKEN_FILE names the file 'key', which {why}; {example}"


DATABASE = "postgresql+asyncpg://me:ses%40me@host/cascade?password=que%2Fried&sslpassword=of-tls"


class TestWhatIsHidden:
    def test_passwords_of_addresses_are_hidden_as_they_are_and_as_they_are_written(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        load_with(monkeypatch, DATABASE_URL=DATABASE, TELEGRAM_API_URL="http://me:open-up@127.0.0.1:8081")
        settings = load_settings()
        for secret in ("ses@me", "ses%40me", "que/ried", "que%2Fried", "of-tls", "open-up"):
            assert secret in settings.secrets
            assert secret not in repr(settings)

    def test_a_secret_that_another_one_is_part_of_is_removed_whole(self, monkeypatch: pytest.MonkeyPatch) -> None:
        load_with(monkeypatch, FRED_API_KEY="abcdef", TIINGO_TOKEN="abcdef-and-more")
        assert redact("it is abcdef-and-more", *load_settings().secrets) == "it is <token>"

    def test_a_password_of_three_letters_does_not_make_every_line_unreadable(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        load_with(monkeypatch, DATABASE_URL="postgresql+asyncpg://cascade:db@host/cascade")
        assert redact("the db is away", *load_settings().secrets) == "the db is away"

    def test_what_is_malformed_is_hidden_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATABASE_URL", "sesame")
        monkeypatch.setenv("FRED_API_KEY_FILE", "/nowhere")
        assert "sesame" in secrets_set()


@pytest.mark.parametrize(
    "spelled",
    ["https://API.Telegram.org", "https://api.telegram.org.", "https://api.telegram.org:443/", "https://x@api.telegram.org",
     "https://api。telegram。org", "https://\uff41pi.telegram.org"],
)  # fmt: skip
def test_telegram_is_known_however_it_is_spelled(monkeypatch: pytest.MonkeyPatch, spelled: str) -> None:
    load_with(monkeypatch, TELEGRAM_API_URL=spelled)
    assert load_settings().uses_telegram


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1\\@api.telegram.org",
        "https://api%2Etelegram.org",
        "https://api.telegram.org/#",
        "https://.",
        "https://a?b=c",
    ],
)
def test_an_address_that_programs_read_differently_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    with pytest.raises(SettingsError, match="TELEGRAM_API_URL "):
        load_with(monkeypatch, TELEGRAM_API_URL=address)


def test_no_secret_is_shown_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {
        "TELEGRAM_BOT_TOKEN": TOKEN,
        "FRED_API_KEY": "of-fred",
        "TIINGO_TOKEN": "of-tiingo",
        "WEBHOOK_SECRET": "s" * 16,
    }
    load_with(monkeypatch, DATABASE_URL="postgresql+asyncpg://cascade:sesame@host/cascade", **keys)
    shown = repr(load_settings())
    assert [secret for secret in (*keys.values(), "sesame") if secret in shown] == []


def test_an_address_of_ones_own_becomes_the_base_of_the_bot_api(monkeypatch: pytest.MonkeyPatch) -> None:
    load_with(monkeypatch, TELEGRAM_API_URL="http://127.0.0.1:8081")
    settings = load_settings()
    assert settings.bot_api_base == "http://127.0.0.1:8081/bot"
    assert not settings.uses_telegram


def test_the_command_line_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    load_with(monkeypatch, MARKET_DATA="simulated")
    assert load_settings(market_data=f"folder:{tmp_path}").market_data == f"folder:{tmp_path}"


class TestSources:
    def test_keys_folders_and_fallbacks_reach_the_sources(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "ether.csv").write_text("date,value\n")
        load_with(
            monkeypatch,
            FRED_API_KEY="fred-key",
            TIINGO_TOKEN="tiingo-token",
            OPERATOR_DATA=str(tmp_path),
            FALLBACKS="ETH-USD=ether.csv, BTC-USD=ether.csv",
        )
        options = load_settings().source_options
        assert (options.fred_api_key, options.tiingo_token) == ("fred-key", "tiingo-token")
        assert options.operator_data == str(tmp_path)
        assert options.fallbacks == (("ETH-USD", "ether.csv"), ("BTC-USD", "ether.csv"))

    def test_sources_without_settings_have_no_keys_folders_or_fallbacks(self) -> None:
        options = load_settings().source_options
        assert (options.fred_api_key, options.tiingo_token, options.operator_data) == (None, None, None)
        assert options.fallbacks == ()

    def test_every_secret_is_known_to_the_log(self, monkeypatch: pytest.MonkeyPatch) -> None:
        load_with(monkeypatch, TELEGRAM_BOT_TOKEN=TOKEN, FRED_API_KEY="fred-key", TIINGO_TOKEN="tiingo-token")
        monkeypatch.setenv("DATABASE_URL", "postgresql+asyncpg://cascade:sesame@host/cascade")
        settings = load_settings()
        assert {TOKEN, "fred-key", "tiingo-token", "sesame"} <= set(settings.secrets)
        assert "fred-key" not in repr(settings.source_options)

    @pytest.mark.parametrize(
        ("name", "value", "sentence"),
        [
            ("FALLBACKS", "ETHER=ether.csv", "FALLBACKS names 'ETHER', which is no series"),
            ("FALLBACKS", "ETH-USD=none.csv", "names the file 'none.csv' for ETH-USD, which is no CSV file there is"),
            (
                "OPERATOR_DATA",
                "/no/such/folder",
                "OPERATOR_DATA names the folder '/no/such/folder', which does not exist",
            ),
            ("OPERATOR_NOTE", "x" * 501, "OPERATOR_NOTE has 501 characters, expected at most 500"),
        ],
    )
    def test_a_wrong_setting_of_the_sources_is_named_with_an_example(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
    ) -> None:
        with pytest.raises(SettingsError) as error:
            load_with(monkeypatch, **{name: value})
        assert sentence in str(error.value)
        assert f"for example {name}=" in str(error.value)
