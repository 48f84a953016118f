"""Usage in the columns of FOCUS 1.4 (focus.finops.org), for tools that read such files.

It has the shape of FOCUS and does not conform to it: what a provider bills is not known here, only what its
price list says, so no row can promise to add up to an invoice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from meetctl.reports.money import exact_usd
from meetctl.reports.spending_data import plain_quantity

if TYPE_CHECKING:
    from decimal import Decimal

    from meetctl.domain.ledger import Dimension, Spending

FOCUS_BY: tuple[Dimension, ...] = ("day", "tenant", "session", "room")
"""What FOCUS's rows are told apart by, besides provider, model and unit."""

COLUMNS = (
    *("AllocatedMethodDetails", "AllocatedMethodId", "AllocatedResourceId", "AllocatedResourceName"),
    *("AllocatedTags", "AvailabilityZone", "BilledCost", "BillingAccountId", "BillingAccountName"),
    *("BillingAccountType", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart"),
    *("CapacityReservationId", "CapacityReservationStatus", "ChargeCategory", "ChargeClass"),
    *("ChargeDescription", "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart"),
    *("CommitmentDiscountCategory", "CommitmentDiscountId", "CommitmentDiscountName"),
    *("CommitmentDiscountQuantity", "CommitmentDiscountStatus", "CommitmentDiscountType"),
    *("CommitmentDiscountUnit", "CommitmentProgramEligibilityDetails", "ConsumedQuantity", "ConsumedUnit"),
    *("ContractApplied", "ContractedCost", "ContractedUnitPrice", "EffectiveCost", "HostProviderName"),
    *("InvoiceDetailId", "InvoiceId", "InvoiceIssuerName", "ListCost", "ListUnitPrice", "PricingCategory"),
    *("PricingCurrency", "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost"),
    *("PricingCurrencyListUnitPrice", "PricingQuantity", "PricingUnit", "RegionId", "RegionName"),
    *("ResourceId", "ResourceName", "ResourceType", "ServiceCategory", "ServiceName", "ServiceProviderName"),
    *("ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId", "SubAccountId"),
    *("SubAccountName", "SubAccountType", "Tags"),
    *("x_CostBasis", "x_ImageTokens", "x_ImageCost", "x_Unpriced", "x_Uses"),
)
"""All 65 of the data set "Cost and Usage", in alphabetical order, and our own."""

_UNITS = {
    "input_tokens": "Tokens",
    "cached_input_tokens": "Tokens",
    "output_tokens": "Tokens",
    "tokens": "Tokens",
    "minutes": "Minutes",
    "characters": "Characters",
}


def focus_rows(spending: Sequence[Spending]) -> list[tuple[str, ...]]:
    """Return rows of `COLUMNS`, of sums by `FOCUS_BY`; what is null is an empty text.

    Usage without a price is a row of its own without costs: they are not known, and not zero.
    """
    rows = []
    for one in spending:
        priced = one.quantity - one.unpriced
        if priced:
            rows.append(_row(one, priced, one.usd))
        if one.unpriced:
            rows.append(_row(one, one.unpriced, None))
    return rows


def _row(one: Spending, quantity: Fraction, usd: Decimal | None) -> tuple[str, ...]:
    day, tenant, session, room = one.group
    cost = "" if usd is None else exact_usd(usd)
    is_speech = one.unit in ("minutes", "characters")
    values = {
        **dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), cost),
        "PricingCurrencyEffectiveCost": cost,
        **dict.fromkeys(("BillingCurrency", "PricingCurrency"), "USD"),
        "BillingAccountId": "unknown",
        "BillingAccountType": "unknown",
        **dict.fromkeys(("HostProviderName", "InvoiceIssuerName", "ServiceProviderName"), one.provider),
        **_periods(day),
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Usage-Based",
        "ChargeDescription": f"{one.model} {one.unit}",
        "PricingCategory": "Standard",
        **dict.fromkeys(("ConsumedQuantity", "PricingQuantity"), str(plain_quantity(quantity))),
        **dict.fromkeys(("ConsumedUnit", "PricingUnit"), _UNITS.get(one.unit, one.unit)),
        "ResourceId": session or "",
        "ResourceName": room or "",
        "ResourceType": "Meeting session" if session else "",
        "ServiceCategory": "AI and Machine Learning",
        "ServiceSubcategory": "Natural Language Processing" if is_speech else "Generative AI",
        "ServiceName": f"{one.provider} {one.model}",
        "SkuId": one.model,
        "SkuMeter": one.unit,
        "SubAccountId": tenant or "",
        "SubAccountType": "Tenant" if tenant else "",
        "x_CostBasis": one.basis,
        "x_ImageTokens": str(one.image_tokens),
        "x_ImageCost": exact_usd(one.image_usd) if usd is not None else "",
        "x_Unpriced": "true" if usd is None else "false",
        "x_Uses": str(one.uses),
    }
    return tuple(values.get(column, "") for column in COLUMNS)


def _periods(day: str | None) -> dict[str, str]:
    """Return the month and the day, whose ends are the first moments that no longer belong to them."""
    if day is None:
        return {}
    begin = date.fromisoformat(day)
    month = begin.replace(day=1)
    next_month = (month + timedelta(days=31)).replace(day=1)
    return {
        "BillingPeriodStart": f"{month}T00:00:00Z",
        "BillingPeriodEnd": f"{next_month}T00:00:00Z",
        "ChargePeriodStart": f"{begin}T00:00:00Z",
        "ChargePeriodEnd": f"{begin + timedelta(days=1)}T00:00:00Z",
    }
