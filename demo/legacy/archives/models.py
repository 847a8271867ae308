from django.db import models


class Archive(models.Model):  # type: ignore[misc]
    """One file on the shelf. `kept` is for how long: 永久, 30年 or 10年."""

    number = models.CharField("档号", max_length=40, unique=True)
    title = models.CharField("题名", max_length=120)
    year = models.PositiveSmallIntegerField("年度")
    kept = models.CharField("保管期限", max_length=8, choices=[(term, term) for term in ("永久", "30年", "10年")])

    class Meta:
        verbose_name = verbose_name_plural = "文书档案"
        ordering = ("number",)

    def __str__(self) -> str:
        return f"{self.number} {self.title}"
