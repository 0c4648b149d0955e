{#- A value against the list of its history: null below 5 values or without deviation. Means of
    equal scores differ by 1e-17 of rounding, which is no deviation. -#}
{% macro zscore(value, history) -%}
    case
        when len({{ history }}) >= 5 and list_stddev_samp({{ history }}) > 1e-9
            then ({{ value }} - list_avg({{ history }})) / list_stddev_samp({{ history }})
    end
{%- endmacro %}
