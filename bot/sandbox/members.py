"""What somebody is in a chat, as Telegram tells it: a ChatMember."""

from __future__ import annotations

from typing import Any

_OF_ADMINS = (
    "can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages", "can_manage_video_chats",
    "can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users", "can_post_stories",
    "can_edit_stories", "can_delete_stories",
)  # fmt: skip
_IN_A_CHANNEL, _IN_A_GROUP = ("can_post_messages", "can_edit_messages"), ("can_pin_messages", "can_manage_topics")
_OF_RESTRICTED = (
    "is_member", "can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos", "can_send_videos",
    "can_send_video_notes", "can_send_voice_notes", "can_send_polls", "can_send_other_messages",
    "can_add_web_page_previews", "can_react_to_messages", "can_edit_tag", "can_change_info", "can_invite_users",
    "can_pin_messages", "can_manage_topics",
)  # fmt: skip


def member(user: dict[str, Any], status: str, chat_type: str, **rights: bool) -> dict[str, Any]:
    """Return what a user is; ``rights`` that are not named an admin has and somebody restricted has not."""
    of_admins = (*_OF_ADMINS, *(_IN_A_CHANNEL if chat_type == "channel" else _IN_A_GROUP))
    found: dict[str, Any] = {"user": user, "status": status}
    match status:
        case "administrator":
            found |= dict.fromkeys(of_admins, True) | rights
        case "restricted":
            found |= dict.fromkeys(_OF_RESTRICTED, False) | {"until_date": 0} | rights
        case "kicked":
            found |= {"until_date": 0}
    return found
