{#- Everything that one scan of a model can show, a row for each rule that rows break.

    key: columns of which no two rows share the values.
    ranges: [{columns, at_least, at_most}], each end optional; null passes. A bound is passed by
        1e-9 of rounding: sums in double precision end 1e-15 beyond it.
    holds: name -> expression; a row for which it is null passes.
    Columns with the tag not_null hold no null.

    One test a model: dbt spends 50 ms on each, the scan is the smallest part of it. -#}
{% test sound(model, key, ranges=[], holds={}) %}
{{ config(meta={"description": "Its key, its missing values, its ranges and its rules hold."}) }}
{%- set rounding = 1e-9 -%}
{%- set columns = (graph.nodes['model.finpulse.' ~ model.identifier].columns if execute else {}) -%}
with found as (
    select
        {% for name, column in columns.items() if 'not_null' in column.tags -%}
        count(*) filter ("{{ name }}" is null) as "{{ name }} is null",
        {% endfor -%}
        {% for range in ranges -%}
        {% for name in range.columns -%}
        count(*) filter (not (
            {{ name }} >= '{{ range.at_least | default('-infinity') }}'::double - {{ rounding }}
            and {{ name }} <= '{{ range.at_most | default('infinity') }}'::double + {{ rounding }}
        )) as "{{ name }} is outside {{ range.at_least | default('-infinity') }} to {{ range.at_most | default('infinity') }}",
        {% endfor -%}
        {% endfor -%}
        {% for name, expression in holds.items() -%}
        count(*) filter (not ({{ expression }})) as "{{ name | replace('_', ' ') }}: broken",
        {% endfor -%}
        count(*) - count(distinct ({{ key | join(', ') }})) as "{{ key | join(', ') }} repeat"
    from {{ model }}
)

select rule, bad_rows
from (unpivot found on columns(*) into name rule value bad_rows)
where bad_rows > 0
{% endtest %}
