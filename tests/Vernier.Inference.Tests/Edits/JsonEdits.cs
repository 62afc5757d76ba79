using System.Globalization;

namespace Vernier.Tests.Edits;

/// <summary>Changes objects of JSON at random: drops, renames, repeats, moves and exchanges members, and changes their values.</summary>
/// <param name="random">Chooses.</param>
/// <param name="words">The members that are added, with values that they may have.</param>
internal sealed class JsonEdits(Random random, IReadOnlyList<(string Name, string[] Values)> words)
{
    /// <summary>What a name begins with that nobody can know.</summary>
    public const string Unknown = "zz_";

    private static readonly string[] s_odd =
        ["null", "true", "false", "0", "1", "-1", "0.5", "2", "1e9", "1e-9", "1e999", "NaN", "\"\"", "\"1\"", "[]", "{}", "[1]", "[[]]",
            "{\"a\": 1}", "12345678901234567890"];

    /// <summary>Makes one change.</summary>
    /// <returns>What it is.</returns>
    public string Change(JsonText json)
    {
        if (json.Members.Count == 0)
            return Add(json);
        int at = random.Next(json.Members.Count);
        (string name, string value) = json.Members[at];
        if (random.Next(4) > 0 && JsonText.Parse(value) is { Members.Count: > 0 } inner)
        {
            string what = Change(inner);
            json.Members[at] = (name, inner.ToString());
            return $"in {name}: {what}";
        }
        switch (random.Next(12))
        {
            case 0:
                json.Members.RemoveAt(at);
                return $"drop {name}";
            case 1:
                return Rename(json, at);
            case 2:
                json.Members[at] = (name, "null");
                return $"{name} = null";
            case 3:
                json.Members.Insert(random.Next(json.Members.Count + 1), (name, random.Next(2) == 0 ? value : Other(name, value)));
                return $"repeat {name}";
            case 4:
                return Move(json, at);
            case 5:
                int other = random.Next(json.Members.Count);
                (json.Members[at], json.Members[other]) = ((name, json.Members[other].Value), (json.Members[other].Name, value));
                return $"exchange the values of {name} and {json.Members[other].Name}";
            case 6 or 7 or 8:
                return Add(json);
            default:
                json.Members[at] = (name, Other(name, value));
                return $"{name} = {json.Members[at].Value}";
        }
    }

    private string Add(JsonText json)
    {
        // Members that stand in many places come up more often.
        (string name, string[] values) = words[random.Next(words.Count)];
        for (int again = 0; again < 2 && !name.StartsWith("rope_", StringComparison.Ordinal) && random.Next(2) == 0; again++)
            (name, values) = words[random.Next(words.Count)];
        string value = values[random.Next(values.Length)];
        int at = json.Members.FindIndex(member => member.Name == name);
        if (at >= 0)
            json.Members[at] = (name, value);
        else
            json.Members.Insert(random.Next(json.Members.Count + 1), (name, value));
        return $"{name} = {value}";
    }

    private string Rename(JsonText json, int at)
    {
        (string name, string value) = json.Members[at];
        string to = random.Next(4) switch
        {
            0 => words[random.Next(words.Count)].Name,
            1 => name.ToUpperInvariant(),
            2 => name + "s",
            _ => Unknown + name,
        };
        json.Members[at] = (to, value);
        return $"rename {name} to {to}";
    }

    // Into an object beside it, or one made for it; or out of one.
    private string Move(JsonText json, int at)
    {
        (string name, string value) = json.Members[at];
        if (JsonText.Parse(value) is { Members.Count: > 0 } inner && random.Next(2) == 0)
        {
            (string Name, string Value) member = inner.Members[random.Next(inner.Members.Count)];
            inner.Members.Remove(member);
            json.Members[at] = (name, inner.ToString());
            json.Members.Add(member);
            return $"move {member.Name} out of {name}";
        }
        json.Members.RemoveAt(at);
        string[] places = ["rope_parameters", "rope_scaling", "text_config"];
        int to = json.Members.FindIndex(member => member.Value.StartsWith('{'));
        if (to >= 0 && random.Next(2) == 0 && JsonText.Parse(json.Members[to].Value) is { } place)
        {
            place.Members.Add((name, value));
            json.Members[to] = (json.Members[to].Name, place.ToString());
            return $"move {name} into {json.Members[to].Name}";
        }
        string made = places[random.Next(places.Length)];
        json.Members.Add((made, new JsonText { Members = [(name, value)] }.ToString()));
        return $"move {name} into a new {made}";
    }

    private string Other(string name, string value)
    {
        string[]? known = words.FirstOrDefault(word => word.Name == name).Values;
        if (known is not null && random.Next(3) == 0)
            return known[random.Next(known.Length)];
        if (random.Next(4) == 0)
            return s_odd[random.Next(s_odd.Length)];
        if (value is "true" or "false")
            return value == "true" ? "false" : "true";
        if (double.TryParse(value, CultureInfo.InvariantCulture, out double number))
            return Near(number);
        if (value.StartsWith('[') && value.Length > 2)
        {
            string[] items = value[1..^1].Split(',');
            return random.Next(2) == 0 ? $"[{string.Join(",", items[1..])}]" : $"[{value[1..^1]},{items[0]}]";
        }
        return s_odd[random.Next(s_odd.Length)];
    }

    private string Near(double number) => random.Next(8) switch
    {
        0 => Text(number + 1),
        1 => Text(number - 1),
        2 => Text(number * 2),
        3 => Text(number / 2),
        4 => Text(-number),
        5 => Text(number + 0.5),
        6 => $"\"{Text(number)}\"",
        _ => Text(random.Next(1, 64)),
    };

    private static string Text(double number) => number.ToString("R", CultureInfo.InvariantCulture);
}
