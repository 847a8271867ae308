from django.contrib import admin

from demo.legacy.archives.models import Archive

admin.site.site_header = "清溪县档案管理系统"
admin.site.site_title = "档案管理"
admin.site.index_title = "目录管理"


@admin.register(Archive)
class ArchiveAdmin(admin.ModelAdmin):  # type: ignore[misc]
    list_display = ("number", "title", "year", "kept")
    list_filter = ("year", "kept")
    search_fields = ("number", "title")
