{#- The moment whose knowledge a build may use, as a UTC timestamp literal (var `as_of`). -#}
{% macro as_of() -%}
    {%- set value = var('as_of') | string -%}
    {%- set form = '^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|\+00(:?00)?)?$' -%}
    {%- if not modules.re.match(form, value) -%}
        {{ exceptions.raise_compiler_error(
            "as_of is '" ~ value ~ "', it should be a UTC time like '2026-03-02 21:15:00'. "
            ~ "Hint: drop the variable to use all that is known."
        ) }}
    {%- endif -%}
    timestamptz '{{ value.split("+")[0].rstrip("Z") }}+00'
{%- endmacro %}
