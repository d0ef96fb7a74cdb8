#compdef aws-vault
# Completion of aws-vault for zsh. Load it with: eval "$(aws-vault completion zsh)"

_aws_vault() {
    local -a asked candidates
    local -i index

    # Behind "--" stands another command: complete that one.
    for ((index = 2; index < CURRENT; index++)); do
        if [[ ${words[index]} == "--" ]]; then
            shift $index words
            ((CURRENT -= index))
            _normal
            return
        fi
    done

    asked=("${(@)words[2,CURRENT]}")
    [[ ${asked[-1]} == "--" ]] && asked[-1]="-"
    candidates=("${(@f)$("${words[1]}" --completion-bash "${asked[@]}" 2>/dev/null)}")
    compadd -- "${(@)candidates:#}"
}

if [[ ${funcstack[1]} == "_aws_vault" || ${funcstack[1]} == "_aws-vault" ]]; then
    _aws_vault "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
    compdef _aws_vault aws-vault
fi
