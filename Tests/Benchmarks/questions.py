"""What is asked of the list of files."""

from collections.abc import Callable
from dataclasses import dataclass

from million import RARE_PURPOSE, SeededFile

COMMON, SECOND, RARE_NAME, NOBODYS = "gemini-2.0-flash", "gpt-4o-second", "gpt-4o-rare", "gpt-4o-unused"


@dataclass(frozen=True)
class Question:
    """What is asked, and which files the answers are about."""

    name: str
    asker: str
    query: str = ""
    concerns: Callable[[SeededFile], bool] = lambda _: True
    #: Whether all of its pages are compared with what was seeded, which takes long for many files.
    is_compared: bool = False


def questions() -> list[Question]:
    def names(*these: str) -> str:
        return "target_model_names=" + ",".join(these)

    def at(*deployments: str) -> Callable[[SeededFile], bool]:
        return lambda file: not set(deployments).isdisjoint(file.deployments)

    rare = f"purpose={RARE_PURPOSE}"
    return [
        Question("owner of 500,000", "owner", is_compared=True),
        Question("owner, order=asc", "owner", "order=asc"),
        Question("owner, common purpose", "owner", "purpose=user_data", lambda file: file.purpose == "user_data"),
        Question("owner, rare purpose", "owner", rare, lambda file: file.purpose == RARE_PURPOSE, True),
        Question("owner, common target", "owner", names(COMMON), at("vertex-main")),
        Question("owner, rare target", "owner", names(RARE_NAME), at("openai-rare"), True),
        Question("owner, target without files", "owner", names(NOBODYS), at()),
        Question("owner, two common targets", "owner", names(COMMON, SECOND), at("vertex-main", "openai-second"), True),
        Question("owner, two rare targets", "owner", names(RARE_NAME, NOBODYS), at("openai-rare")),
        Question(
            "owner, purpose and rare target",
            "owner",
            f"purpose=user_data&{names(RARE_NAME)}",
            lambda file: file.purpose == "user_data" and "openai-rare" in file.deployments,
        ),
        Question("owner of 500", "small owner", is_compared=True),
        Question("member of a team with 100,000", "member", is_compared=True),
        Question("member, common purpose", "member", "purpose=user_data", lambda file: file.purpose == "user_data"),
        Question("member, rare target", "member", names(RARE_NAME), at("openai-rare")),
        Question("member of 21 teams", "member of all", is_compared=True),
        Question("admin", "admin"),
        Question("admin, order=asc", "admin", "order=asc", is_compared=True),
        Question("admin, common purpose", "admin", "purpose=user_data", lambda file: file.purpose == "user_data"),
        Question("admin, rare purpose", "admin", rare, lambda file: file.purpose == RARE_PURPOSE),
        Question("admin, common target", "admin", names(COMMON), at("vertex-main")),
        Question("admin, rare target", "admin", names(RARE_NAME), at("openai-rare")),
    ]
