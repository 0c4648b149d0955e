{#- Fails for every value of `columns` outside [at_least, at_most]; null passes. The tolerance is
    the rounding of sums in double precision, which may end 1e-15 beyond a bound. -#}
{% test in_range(model, columns, at_least='-infinity', at_most='infinity', tolerance=1e-9) %}
{% for column in columns %}
select '{{ column }}' as column_name, {{ column }}::double as value
from {{ model }}
where not (
    {{ column }} >= '{{ at_least }}'::double - {{ tolerance }}
    and {{ column }} <= '{{ at_most }}'::double + {{ tolerance }}
)
{{ 'union all' if not loop.last }}
{% endfor %}
{% endtest %}
