# Completion of aws-vault for fish. Load it with: aws-vault completion fish | source

function __aws_vault_candidates
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    test "$current" = -- && set current -
    $words[1] --completion-bash $words[2..-1] "$current" 2>/dev/null
end

# Behind "--" stands another command: complete that one.
function __aws_vault_delegates
    contains -- -- (commandline -opc)
end

function __aws_vault_delegated
    set -l words (commandline -opc)
    set -l index (contains -i -- -- $words)
    set -l rest $words[(math $index + 1)..-1]
    complete -C (string join ' ' -- (string escape -- $rest) (commandline -ct))
end

complete -c aws-vault -f
complete -c aws-vault -n 'not __aws_vault_delegates' -a '(__aws_vault_candidates)'
complete -c aws-vault -n __aws_vault_delegates -a '(__aws_vault_delegated)'
