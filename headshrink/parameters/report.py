"""Parameters of the section `report`."""

from typing import Annotated

from pydantic import Field

from headshrink.parameters.section import Section

Colour = Annotated[str, Field(pattern="^#[0-9a-fA-F]{6}$")]  # the same in a plot and on the page


class Colours(Section):
    """Colours of the models in plots, as #rrggbb."""

    teacher: Colour = Field("#4c566a", description="colour of the teacher")
    pruned: Colour = Field("#d08770", description="colour of the pruned model without training")
    student: Colour = Field("#2e7d6b", description="colour of the student")


class ReportParams(Section):
    """How the report looks."""

    title: str = Field("headshrink", max_length=200, description="title of the report")
    colours: Colours = Field(default_factory=Colours, description="colours of the models in plots, as #rrggbb")
