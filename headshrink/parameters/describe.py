"""What a parameter may be, in words, from its JSON schema."""

from typing import Any

BOUNDS = {"minimum": "from {}", "exclusiveMinimum": "above {}", "maximum": "to {}", "exclusiveMaximum": "below {}"}


def allowed(schema: dict[str, Any]) -> str:
    """What a JSON schema allows, in words."""
    if "anyOf" in schema:
        return " | ".join(allowed(option) for option in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if schema.get("type") == "null":
        return "null"
    if schema.get("type") == "array":
        return f"list of {allowed(schema.get('items', {}))}"
    if "enum" in schema.get("propertyNames", {}):
        return f"mapping of {allowed(schema['propertyNames'])} to {allowed(schema.get('additionalProperties', {}))}"
    bounds = [text.format(f"{schema[name]:g}") for name, text in BOUNDS.items() if name in schema]
    return " ".join([{"integer": "whole number", "string": "text"}.get(schema.get("type", ""), "")
                     or str(schema.get("type", "mapping")).replace("object", "mapping"), *bounds])  # fmt: skip
