"""The people who may sign in. Those of the demo exist only while the settings ask for them."""

from msgspec import Struct

from server.config import ServerConfig
from server.db import Database, Queries
from server.permissions import Role
from server.sessions import hash_password

_sql = Queries("sessions.sql")

NURSE = "nurse"
NURSE_NAME = "Sam Okoro"


class User(Struct, frozen=True, kw_only=True):
    """Someone who may sign in. `people`: whom a patient is."""

    id: str
    name: str
    role: str
    people: list[str]
    demo: bool = False


def demo_users(config: ServerConfig) -> list[User]:
    """A nurse, and every person of the settings; nobody where the demo is off."""
    if not config.demo.users:
        return []
    nurse = User(id=NURSE, name=NURSE_NAME, role=Role.CLINICIAN, people=[], demo=True)
    people = [
        User(id=person.id, name=person.name, role=Role.PATIENT, people=[person.id], demo=True)
        for person in config.people
    ]
    return [nurse, *people]


async def put(db: Database, user: User, password: str) -> None:
    """Let someone in from now on, or change what is known of them."""
    await _put(db, user, hash_password(password))


async def _put(db: Database, user: User, password_hash: str) -> None:
    await db.execute(
        _sql["put_user"],
        {
            "id": user.id,
            "name": user.name,
            "role": user.role,
            "people": user.people,
            "password_hash": password_hash,
            "demo": user.demo,
        },
    )


async def put_demo_users(db: Database, config: ServerConfig) -> None:
    """Make the demo's users, and remove those that the settings do not ask for any more."""
    users = demo_users(config)
    await db.execute(_sql["remove_demo_users"], {"keep": [user.id for user in users]})
    if not users:
        return
    password_hash = hash_password(config.demo.password)
    for user in users:
        await _put(db, user, password_hash)


async def everyone(db: Database) -> list[User]:
    return await db.rows(User, _sql["list_users"])


async def remove(db: Database, user_id: str) -> bool:
    """Whether there was one. Their sessions end with them."""
    return await db.execute(_sql["remove_user"], {"id": user_id}) == 1
