"""What was spent, and how much may be."""

from django.http import StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from gallery import audit
from gallery.forms.costs import LimitForm
from gallery.language.numerals import local
from gallery.money import ledger, periods, spending
from gallery.screens import bills
from gallery.screens.toasts import notify


@require_safe
def index(request):
    """One period's money: numbers, a chart, tables."""
    return _page(request, LimitForm(instance=request.user))


@require_POST
def limit(request):
    """Change the person's monthly limit, and when to warn."""
    form = LimitForm(request.POST, instance=request.user)
    if not form.is_valid():
        request.user.refresh_from_db(fields=list(form.fields))
        return _page(request, form, status=422)
    request.user.save(update_fields=list(form.fields))
    usd = request.user.monthly_budget_usd
    notify(
        request,
        gettext("There is no limit now.")
        if usd is None
        else gettext("The limit is ${usd} a month now.").format(usd=local(f"{usd:,.2f}")),
    )
    return redirect("costs")


def _page(request, form, status=200):
    bill = bills.read(request.user, request.GET.get("period", ""))
    context = {"section": "costs", "bill": bill, "period": bill.period, "form": form}
    return render(request, "costs/index.html", context, status=status)


@require_safe
def export(request):
    """The same money line by line, as CSV."""
    key = request.GET.get("period", "")
    period = periods.read(key, spending.oldest(request.user) if key == "all" else None)
    audit.note(audit.Verb.EXPORTED, request.user.pk, f"Costs, {period.key}")
    response = StreamingHttpResponse(
        ledger.lines(request.user, period), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="costs-{period.key}.csv"'
    return response
