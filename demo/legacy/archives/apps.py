from django.apps import AppConfig


class ArchivesConfig(AppConfig):  # type: ignore[misc]
    name = "demo.legacy.archives"
    label = "archives"
    verbose_name = "档案目录"
    default_auto_field = "django.db.models.AutoField"
