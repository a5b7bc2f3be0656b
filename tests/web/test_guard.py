"""Who is served: this machine, from pages of ours, with the token where anything changes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from helpers.page_server import PORT, WITH_TOKEN, error, served

GUESS = "/api/experiments/sinkhole/guess"


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with served() as found:
        yield found


@pytest.mark.parametrize("host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1", f"127.0.0.1:{PORT + 1}", ""])
def test_another_host_is_refused(client: TestClient, host: str) -> None:
    answer = client.get("/", headers={"host": host})
    assert answer.status_code == 421
    assert "another host" in error(answer)


@pytest.mark.parametrize("host", [f"127.0.0.1:{PORT}", f"localhost:{PORT}", f"[::1]:{PORT}"])
def test_names_of_this_machine_are_served(client: TestClient, host: str) -> None:
    assert client.get("/api/experiments", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"https://127.0.0.1:{PORT}", "http://127.0.0.1"])
def test_a_page_of_another_origin_is_refused(client: TestClient, origin: str) -> None:
    for answer in (
        client.get("/api/experiments", headers={"origin": origin}),
        client.post(GUESS, json={"number": 1}, headers={**WITH_TOKEN, "origin": origin}),
    ):
        assert answer.status_code == 403
        assert "another origin" in error(answer)


def test_a_picture_that_another_site_shows_is_refused(client: TestClient) -> None:
    answer = client.get("/api/experiments", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert "another site" in error(answer)


@pytest.mark.parametrize("headers", [{}, {"x-windtunnel-token": "a guess"}, {"x-windtunnel-token": "é"}])
def test_what_changes_anything_needs_the_token(client: TestClient, headers: dict[str, str]) -> None:
    sent = {name: value.encode() for name, value in headers.items()}
    for answer in (
        client.post(GUESS, json={"number": 1}, headers=sent),
        client.post("/api/experiments/sinkhole/preview", json={}, headers=sent),
        client.post("/api/experiments/sinkhole/runs", json={}, headers=sent),
        client.delete("/api/runs/x", headers=sent),
    ):
        assert answer.status_code == 403
        assert "token" in error(answer)


def test_a_page_allows_no_script_or_style_but_files_of_ours(client: TestClient) -> None:
    for path in ("/", "/e/sinkhole", "/nothing", "/static/page.css"):
        answer = client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert " style=" not in answer.text
        assert " onclick=" not in answer.text


def test_a_request_that_is_too_large_is_refused(client: TestClient) -> None:
    large = b'{"params": {"load": "' + b"1" * 70_000 + b'"}}'
    answer = client.post("/api/experiments/sinkhole/preview", content=large, headers=WITH_TOKEN)
    assert answer.status_code == 413
    in_pieces = client.post("/api/experiments/sinkhole/preview", content=iter([large]), headers=WITH_TOKEN)
    assert in_pieces.status_code == 400
    error(in_pieces)


@pytest.mark.parametrize(
    "path",
    [
        "/e/../../etc/passwd",
        "/e/%2e%2e%2fpyproject.toml",
        "/e/toy_shop.py",
        "/api/experiments/tests%2Fhelpers%2Ftoy_shop.py",
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/api/traces/..%2f..%2f/etc",
    ],
)
def test_no_path_of_a_user_reaches_the_disk(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "import" not in answer.text
