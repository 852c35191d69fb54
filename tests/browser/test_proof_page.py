"""What the exchange owes, for everybody; and who has signed in finds the own balance in it, by the
browser's own cryptography. What is shown otherwise than it is signed is told.
"""

import json

import pytest
from playwright.async_api import Browser, Page, Route, expect

from persistence.proof.solvency.making import make_proof
from tests.browser.conftest import Served
from tests.browser.terminal_pages import BUILT, fits, quiet_page, sign_in
from tests.persistence.proof.online.days import a_day

pytestmark = BUILT
OF_ALL = ["signed", "same", "adds"]


def formatted(amount: str) -> str:
    """An amount as pages show it exactly: groups of three, and no last zeros beyond two."""
    whole, part = amount.split(".")
    return f"{int(whole):,}.".replace(",", "\u202f") + part[:2] + part[2:].rstrip("0")


async def states(page: Page) -> dict[str | None, str | None]:
    """What was found of each step."""
    await expect(page.locator("[data-step]").first).to_be_visible()
    rows = await page.locator("[data-step]").all()
    return {
        await row.get_attribute("data-step"): await row.get_attribute("data-state") for row in rows
    }


async def test_everybody_sees_it_and_finds_the_own_balance(
    served: Served, browser: Browser
) -> None:
    ann = await served.web.register()
    await a_day(served.web.parts.pool.url)
    async with quiet_page(browser) as page:
        await page.goto(f"{served.url}/proof")
        await expect(page.get_by_text("No proof has been made yet.")).to_be_visible()
        await fits(page, "proof-none")
        await page.set_viewport_size({"width": 1440, "height": 900})
        await make_proof(served.web.parts.pool.url)
        await page.reload()
        assert await states(page) == dict.fromkeys(OF_ALL, "holds")
        await expect(page.get_by_text("to find your own balance in it.")).to_be_visible()
        await expect(page.locator("[data-figure=issued]")).to_contain_text("free + locked")
        await sign_in(page, served, ann, "/proof")
        assert await states(page) == dict.fromkeys([*OF_ALL, "own"], "holds")
        mine = (await served.web.client.get("/api/v1/proof/me", headers=ann.bearer)).json()["data"]
        available = page.locator("[data-own] [data-figure=available]")
        await expect(available).to_contain_text(formatted(mine["available"]))
        await expect(page.get_by_text(f"Account {ann.id} is in it")).to_be_visible()
        await expect(page.get_by_role("alert")).to_have_count(0)
        await fits(page, "proof")


async def test_it_fits_in_german_beside_all_that_an_admin_has(
    served: Served, browser: Browser
) -> None:
    admin = await served.web.register(admin=True)
    await a_day(served.web.parts.pool.url)
    await make_proof(served.web.parts.pool.url)
    async with quiet_page(browser) as page:
        await sign_in(page, served, admin, "/proof")
        await page.evaluate("localStorage.setItem('probity.language', 'de')")
        await page.reload()
        await expect(page.get_by_role("heading", name="Nachweis der Schulden")).to_be_visible()
        assert await states(page) == dict.fromkeys([*OF_ALL, "own"], "holds")
        await fits(page, "proof-german")


async def test_who_came_later_is_told_so(served: Served, browser: Browser) -> None:
    people = [await served.web.register() for _ in range(4)]
    await a_day(served.web.parts.pool.url)
    await make_proof(served.web.parts.pool.url)
    bob = people[-1]
    async with quiet_page(browser) as page:
        await sign_in(page, served, bob, "/proof")
        assert await states(page) == dict.fromkeys(OF_ALL, "holds")
        await expect(page.get_by_text("made before there was your account")).to_be_visible()


@pytest.mark.parametrize(
    ("path", "field", "value", "said"),
    [
        ("**/api/v1/proof/*", "issued", "7.000000", "Something else is shown than was signed."),
        ("**/api/v1/proof/me", "available", "999.000000", "another root than the one"),
        ("**/api/v1/proof/me", "accountId", "1", "The leaf is another account's."),
    ],
)
async def test_what_is_changed_on_the_way_is_seen(
    served: Served, browser: Browser, path: str, field: str, value: str, said: str
) -> None:
    people = [await served.web.register(), await served.web.register()]
    await a_day(served.web.parts.pool.url)
    await make_proof(served.web.parts.pool.url)

    async def change(route: Route) -> None:
        answer = await route.fetch()
        told = await answer.json()
        data = told.get("data", {})
        if field in data:
            data[field] = value
        await route.fulfill(response=answer, body=json.dumps(told))

    async with quiet_page(browser) as page:
        await page.route(path, change)
        await sign_in(page, served, people[1], "/proof")
        await expect(page.get_by_role("alert")).to_contain_text("Something doesn't hold.")
        await expect(page.locator("[data-state=wrong]")).to_contain_text(said)
        await fits(page, f"proof-wrong-{field}")
